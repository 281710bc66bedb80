"""Images that show nothing: of a slice that was never acquired, or of single frames."""

from collections.abc import Sequence

from lvpipe.cine.ledger import Ledger
from lvpipe.cine.slices import Slice
from lvpipe.config.convert import ConvertSettings
from lvpipe.study import Frame


def drop_blank(slices: list[Slice], settings: ConvertSettings, ledger: Ledger) -> list[Slice]:
    """A slice of which every image has one value throughout was not acquired: kept, its area would count as none."""
    kept = []
    for one in slices:
        images = [frame for frame in one.frames if not frame.blank]
        empty = _shows_nothing(images)
        if empty and empty == len(images):
            ledger.drop("drop_blank", f"nothing is to be seen on any of its {empty} images, dropped", one.found)
            continue
        if empty:
            what = f"{empty} of {len(images)} images have one value throughout"
            ledger.note("note_blank", what, one.found.position_mm)
        kept.append(one)
    if not kept:
        reason = f"nothing is to be seen on any image; expected at least {settings.slices_min} usable slices"
        ledger.reject("reject_few_slices", reason)
    return kept


def _shows_nothing(images: Sequence[Frame]) -> int:
    """How many of them have one value throughout."""
    return sum(bool(image.pixels_yx.min() == image.pixels_yx.max()) for image in images)
