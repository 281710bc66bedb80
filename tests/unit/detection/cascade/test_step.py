import json

import numpy as np
import pytest
from drawn_hearts import QUICK, ring_lesson

from lvpipe.detection.steps.cascade import main
from lvpipe.files import read_table
from lvpipe.images import Image, write_image
from lvpipe.labels import CAVITY, MYOCARDIUM


def write_case(folder, seed):
    """A ring's cine and its reference, as `resample` leaves them."""
    lesson = ring_lesson(seed)
    (row, column, _), radius = lesson.squares[0], lesson.squares[0, 2] / 2.4
    rows, columns = np.mgrid[:96, :96]
    away = np.hypot(rows - row, columns - column)
    labels = np.where(away < 0.65 * radius, CAVITY, np.where(away < radius, MYOCARDIUM, 0)).astype(np.uint8)
    affine = np.diag([2.0, 2.0, 8.0, 1.0])
    write_image(folder / f"r{seed}_cine.nii.gz", Image(lesson.drawn_fzyx, affine, 30.0))
    write_image(folder / f"r{seed}_reference.nii.gz", Image(np.stack([labels[None]] * 2), affine, 30.0))


@pytest.fixture
def folder(tmp_path):
    for seed in (0, 1, 2):
        write_case(tmp_path, seed)
    (tmp_path / "rejected_cine.nii.gz").touch()
    (tmp_path / "rejected_reference.nii.gz").touch()
    return tmp_path


def arguments(folder, name, *cases):
    settings = json.dumps({**QUICK, "stages": 2})
    return [
        *("--cines", str(folder), "--learn", *cases, "--margin", "1.2", "--settings", settings),
        *("--out", str(folder / f"{name}.xml"), "--table", str(folder / f"{name}.csv")),
    ]  # fmt: skip


def test_the_step_writes_a_cascade_and_its_table_always_the_same(folder, capsys):
    for name in ("a", "b"):
        main(arguments(folder, name, "r0", "r1", "r2", "rejected"))
    assert (folder / "a.xml").read_bytes() == (folder / "b.xml").read_bytes()
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes()
    table = read_table(folder / "a.csv")
    assert [row["stage"] for row in table] == ["0", "1"]
    assert "rejected: left out of training" in capsys.readouterr().out
