"""The slices of a case at end-diastole and end-systole as pictures, with boxes and contours."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lvpipe.labels import CAVITY
from lvpipe.pages.markup import Html, fixed, tag
from lvpipe.pages.pictures import Window, box_path, contour_path, draw_picture, place_window, to_grey
from lvpipe.pages.run import Run
from lvpipe.pages.study import Study

_MOMENTS = {"ED": "End-diastole", "ES": "End-systole"}


def picture_strips(run: Run, study: Study, crop_mm: float) -> Iterator[Html]:
    """A row of pictures for each frame that somebody chose."""
    moments = study.moments()
    if not moments:
        return
    frames = sorted({frame for _, frame in moments})
    window = find_window(study, frames, crop_mm)
    slices = range(study.cine_tzyx.shape[1])
    greys = [to_grey(window.cut(study.cine_tzyx[frames, z])) for z in slices]
    yield _legend(run, study)
    for (word, frame), who in moments.items():
        shots = (_figure(run, study, window, greys[z][frames.index(frame)], (frame, z)) for z in slices)
        head = tag("h4", _MOMENTS[word], tag("small", f" frame {frame}, chosen by {', '.join(who)}"))
        yield tag("div", head, tag("div", *shots, class_="strip", style=f"--slices:{len(slices)}"), class_="moment")


def find_window(study: Study, frames: Sequence[int], crop_mm: float) -> Window:
    """What is shown of every slice: what lies about all contours, or about the boxes where nobody drew."""
    stacks = [mask for mask in (*study.masks.values(), study.reference_tzyx) if mask is not None]
    masks = [stack[frames] == CAVITY for stack in stacks] or list(_middles(study))
    return place_window(masks, study.cine_tzyx.shape[2:], study.spacing_yx_mm, crop_mm)


def _middles(study: Study) -> Iterator[NDArray[np.bool_]]:
    """The middles of all boxes of a view."""
    for boxes in study.boxes.values():
        middles = np.zeros(study.cine_tzyx.shape[2:], bool)
        rows, columns = np.clip(np.rint(boxes[:, :2]).astype(int), 0, np.array(middles.shape) - 1).T
        middles[rows, columns] = True
        yield middles


def _figure(run: Run, study: Study, window: Window, grey_yx: NDArray[np.uint8], place: tuple[int, int]) -> Html:
    frame, z = place
    contours = [(box_path(boxes[z], window), "box") for boxes in study.boxes.values() if z < len(boxes)]
    if study.reference_tzyx is not None:
        contours.append((contour_path(window.cut(study.reference_tzyx[place]) == CAVITY), "reference"))
    for model, mask in study.masks.items():
        contours.append((contour_path(window.cut(mask[place]) == CAVITY), f"m{run.models.index(model)}"))
    label = f"{study.case}, frame {frame}, slice {z}"
    scores = [
        tag("b", fixed(value, 2), class_=f"m{run.models.index(model)}")
        for model in study.masks
        if np.isfinite(value := run.slice_dice.get((model, study.case, frame, z), float("nan")))
    ]
    caption = tag("figcaption", f"{z}: {fixed(study.position_mm(z), 0)} mm", *scores)
    return tag("figure", draw_picture(grey_yx, window, contours, label), caption)


def _legend(run: Run, study: Study) -> Html:
    keys = [tag("span", model, class_=f"key m{run.models.index(model)}") for model in study.masks]
    if study.reference_tzyx is not None:
        keys.append(tag("span", "expert", class_="key reference"))
    if study.boxes:
        keys.append(tag("span", "box of the heart", class_="key box"))
    dice = "; coloured numbers: Dice" if study.reference_tzyx is not None else ""
    return tag("p", *keys, f" Below each picture: slice and position{dice}.", class_="legend")
