"""Label values of reference images and masks, and what they mean."""

from typing import Final, Literal

BACKGROUND: Final = 0
CAVITY: Final = 1
"""Left-ventricular blood pool, papillary muscles included (the convention of the contours)."""
MYOCARDIUM: Final = 2
NOT_ANNOTATED: Final = 255
"""Nobody drew here: most frames and some slices. Never counted as background."""

Label = Literal["cavity", "myocardium", "background"]
"""What an output of a network can stand for."""

VALUES: Final[dict[Label, int]] = {"cavity": CAVITY, "myocardium": MYOCARDIUM, "background": BACKGROUND}
