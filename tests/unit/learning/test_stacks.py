"""Which cases teach by volumes, and what is on disk of each."""

import json

import numpy as np
import pytest

from lvpipe.boxes import Boxes, write_boxes
from lvpipe.cases import Labels
from lvpipe.config.window import Window
from lvpipe.errors import UserError
from lvpipe.images import Image, write_image, write_rejected
from lvpipe.learning.stacks import store_stacks

HEART = Labels(120.0, 50.0)
SEEN = Window(side_px=16, box_share=1.0)
LEDGER = {"complete": True, "positions_mm": [0.0, 9.5, 20.0], "thickness_mm": None, "slice_spacing_mm": 10.0}


def put(folder, case: str, **changes) -> None:
    cine = np.random.default_rng(7).integers(0, 255, (4, 3, 40, 40)).astype(np.uint8)
    write_image(folder / f"{case}_cine.nii.gz", Image(cine, np.diag([1.5, 1.5, 10, 1])))
    write_boxes(folder / f"{case}_boxes.json", Boxes("hand", 1.5, ((20, 20, 16.0), (20, 20, 16.0), (20, 20, 32.0))))
    (folder / f"{case}_cine.json").write_text(json.dumps({**LEDGER, **changes}))


@pytest.fixture
def made(tmp_path):
    """The stacks of these cases, which all lie in one folder."""

    def make(volumes):
        return store_stacks(tmp_path / "stacks", volumes, *(tmp_path,) * 3, SEEN)

    return lambda case, **changes: put(tmp_path, case, **changes), make


def test_a_stack_comes_back_as_the_window_shows_it(made):
    add, make = made
    add("a"), add("b")
    stack = make({"a": HEART, "b": Labels(100.0, 40.0)}).read("a")
    assert stack.windows_tzyx.shape == (4, 3, 16, 16)
    assert stack.windows_tzyx.dtype == np.uint8
    np.testing.assert_allclose(stack.window_mm2, [24**2, 24**2, 48**2])
    np.testing.assert_allclose(stack.positions_mm, [0, 9.5, 20])
    assert (stack.thickness_mm, stack.edv_ml, stack.esv_ml) == (10.0, 120.0, 50.0)


def test_who_cannot_teach_is_named_in_one_line(made, tmp_path, capsys):
    add, make = made
    for case in ("a", "b", "gone", "blank", "odd"):
        add(case)
    add("short", complete=False, incomplete_reason="3 slices")
    write_rejected(tmp_path / "gone_cine.nii.gz")
    volumes = dict.fromkeys(("a", "b", "gone", "short"), HEART)
    volumes |= {"blank": Labels(120.0), "odd": Labels(left_out="ESV 120 mL is over EDV 50 mL")}
    assert make(volumes).cases == ["a", "b"]
    (line,) = capsys.readouterr().out.splitlines()
    assert all(f"{name} (" in line for name in ("gone", "short", "blank", "odd"))
    assert "3 slices" in line


def test_one_case_alone_cannot_teach(made):
    add, make = made
    add("a"), add("b")
    with pytest.raises(UserError, match=r"EDV and ESV.*`volumes`") as caught:
        make({"a": HEART, "b": Labels()})
    assert "\n" not in str(caught.value)
