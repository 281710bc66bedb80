import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from studies import NORMAL, Shot, X, Y, plane, stack, write_shots

from lvpipe.cine.contact_sheet import draw_sheet
from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected

GREEN, AMBER, RED, PURPLE, BLUE = (0, 158, 115), (230, 159, 0), (213, 94, 0), (154, 111, 176), (86, 180, 233)
CELL, GAP = 200, 14


def drawn(study, **settings):
    conversion, reason = Conversion(study, ConvertSettings(**settings)), ""
    try:
        conversion.images()
    except Rejected as error:
        reason = str(error)
    png = draw_sheet("7 (some)", conversion.ledger, reason)
    assert png == draw_sheet("7 (some)", conversion.ledger, reason)
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def frames_of(picture):
    """The colours of the cells' frames, row by row: found by their upper edges."""
    found = []
    for row in range(len(picture) - CELL):
        for column in range(GAP, picture.shape[1], CELL + GAP):
            for colour in (GREEN, AMBER, RED, PURPLE, BLUE):
                edge = picture[row, column : column + CELL]
                if (edge == colour).all() and (picture[row + CELL - 1, column : column + CELL] == colour).all():
                    found.append((row // 100, column, colour))
    rows = sorted(dict.fromkeys(found))
    return [colour for _, _, colour in rows]


def irregular(tmp_path):
    shots = stack((0, 8, 16, 32, 40))
    shots[1] = replace(shots[1], plane=plane(8, x=Y, y=-X, shape=(48, 40)))
    shots += [Shot(plane(0, x=NORMAL, y=Y), series=52, run="sax_52"), Shot(plane(100), series=53, run="sax_53")]
    return write_shots(tmp_path, shots)


def test_every_slice_is_framed_by_its_fate_in_position_order(tmp_path):
    colours = frames_of(drawn(irregular(tmp_path)))
    assert sorted(colours) == sorted([GREEN] * 4 + [AMBER] + [RED] * 2 + [BLUE])
    assert colours[-1] == RED  # the outlier, 100 mm towards the apex
    assert colours.index(AMBER) < colours.index(BLUE) < len(colours) - 2


def test_a_rejected_case_shows_what_was_found(tmp_path):
    colours = frames_of(drawn(irregular(tmp_path), slices_min=9))
    assert sorted(colours) == sorted([PURPLE] * 5 + [RED] * 2 + [BLUE])


def test_a_case_without_images_has_a_picture_that_says_so(tmp_path):
    study = write_shots(tmp_path, stack())
    for file in study.images:
        file.path.write_bytes(b"no image")
    picture = drawn(study)
    assert frames_of(picture) == []
    assert picture.shape[0] < 200
    assert (picture == (213, 94, 0)).all(axis=2).any()  # the reason


def test_thumbnails_have_true_proportions(tmp_path):
    study = write_shots(tmp_path, stack((0, 8), frames=(0, 1)))
    wide = write_shots(
        tmp_path / "b", [replace(s, plane=replace(s.plane, spacing_yx_mm=(1.5, 0.75))) for s in stack((0, 8))]
    )
    for one, across in ((study, 200), (wide, 120)):
        picture = drawn(one)
        cell = picture[:, GAP + 4 : GAP + CELL - 4]
        middle = cell[next(n for n in range(len(cell)) if (cell[n] == GREEN).all()) + 100]
        inside = np.flatnonzero((middle != (22, 24, 29)).any(axis=1))
        assert np.ptp(inside) + 1 == pytest.approx(min(across, CELL - 8), abs=2)


def test_odd_pixels_do_not_matter(tmp_path):
    conversion = Conversion(write_shots(tmp_path, stack()), ConvertSettings())
    conversion.images()
    for one in conversion.ledger.found:
        broken = np.full((40, 48), np.nan, np.float32)
        one.frames = tuple(replace(frame, pixels_yx=broken) for frame in one.frames)
    assert draw_sheet("a case of a name that is longer than the sheet is wide " * 5, conversion.ledger)


def test_a_thousand_places_do_not_make_an_endless_sheet(tmp_path):
    conversion = Conversion(write_shots(tmp_path, stack()), ConvertSettings())
    conversion.images()
    conversion.ledger.found *= 200
    assert len(np.asarray(Image.open(BytesIO(draw_sheet("7", conversion.ledger))))) < 6000


def test_it_is_quick_and_loads_nothing_before_it_is_asked(tmp_path):
    shots = [
        replace(shot, plane=plane(8 * n, shape=(256, 256))) for n, shot in enumerate(stack(range(12), frames=(0, 1)))
    ]
    conversion = Conversion(write_shots(tmp_path, shots), ConvertSettings())
    conversion.images()
    draw_sheet("7", conversion.ledger)
    start = time.process_time()
    draw_sheet("7", conversion.ledger)
    assert time.process_time() - start < 0.2  # 0.05 s on an idle core
    code = "import sys, lvpipe.cine.contact_sheet; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
