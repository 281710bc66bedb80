"""Label values of reference images and masks, and what they mean."""

from typing import Final

BACKGROUND: Final = 0
CAVITY: Final = 1
"""Left-ventricular blood pool, papillary muscles included (the convention of the contours)."""
MYOCARDIUM: Final = 2
NOT_ANNOTATED: Final = 255
"""Nobody drew here: most frames and some slices. Never counted as background."""
