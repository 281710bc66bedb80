"""Options of readers are refused by name, kind and range before any file is opened."""

import sys

import pytest

from lvpipe.errors import UserError
from lvpipe.reader_options import accepted, check_options, load_reader


def refusal(reader, options, whole_cohort=True):
    with pytest.raises(UserError) as caught:
        check_options(load_reader(reader), options, whole_cohort)
    return str(caught.value)


@pytest.mark.parametrize(
    ("reader", "options"),
    [
        ("slices", {"pixel_mm": 1.4, "slice_mm": 8, "outlined": True}),
        ("nifti", {"cavity": 3, "myocardium": None, "first_frame": 0}),
        ("la2013", {"spacing": "unit"}),
        ("folder", {"heart_tilt_degrees": 90}),
        ("masks", {"files": "{case}.nii.gz", "cavity": [1, 4], "myocardium": 2}),
        ("areas", {}),
        ("kaggle", {}),
    ],
)
def test_fit_options_pass(reader, options):
    check_options(load_reader(reader), options, whole_cohort=True)


@pytest.mark.parametrize(
    ("reader", "options", "words"),
    [
        ("slices", {"pixel_mm": "a"}, "options: pixel_mm is 'a'; expected a number above 0"),
        ("slices", {"pixel_mm": 0}, "options: pixel_mm is 0; expected a number above 0"),
        ("slices", {"slice_mm": float("inf")}, "options: slice_mm is inf; expected"),
        ("slices", {"slice_mm": True}, "options: slice_mm is True; expected"),
        ("slices", {"slice_mm": None}, "options: slice_mm is None; expected"),
        ("slices", {"outlined": 1}, "options: outlined is 1; expected true or false"),
        ("nifti", {"cavity": "3"}, "options: cavity is '3'; expected a whole number of 0 or more"),
        ("nifti", {"cavity": 1.5}, "options: cavity is 1.5; expected a whole number"),
        ("nifti", {"myocardium": -1}, "expected a whole number of 0 or more or nothing"),
        ("la2013", {"spacing": "cube"}, "options: spacing is 'cube'; expected header or unit"),
        ("folder", {"heart_tilt_degrees": 90.5}, "expected a number above 0, 90 at most"),
        ("masks", {"cavity": [1, "b"]}, "expected a whole number of 0 or more or a list, each a whole number"),
        ("areas", {"table": "x"}, "unknown key `table`; known: none"),
        ("kaggle", {"sources": []}, "unknown key `sources`; known: none"),
        ("lvquan", {"slices_mm": 3}, "unknown key `slices_mm`; known: slice_mm"),
    ],
)
def test_what_does_not_fit_is_said(reader, options, words):
    assert words in refusal(reader, options)


@pytest.mark.parametrize(
    ("reader", "options"),
    [
        ("nifti", {"frames": [1, 2]}),
        ("nifti", {"label_frames": [None]}),
        ("slices", {"frames": [0, 4]}),
        ("lvquan", {"subject": 3}),
    ],
)
def test_options_of_one_case_are_none_of_a_cohort(reader, options):
    assert "is for a single case" in refusal(reader, options)
    check_options(load_reader(reader), options, whole_cohort=False)


def test_a_list_of_frames_is_looked_into():
    assert "frames is ['x']; expected a list, each a whole number" in refusal("nifti", {"frames": ["x"]}, False)


def test_a_reader_that_is_not_there_is_told_from_a_package_that_is_not(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"reader kagle is not there; known: acdc, .*, kaggle, "):
        load_reader("kagle")
    with pytest.raises(UserError, match=r"reader kagle\.x is not there"):
        load_reader("kagle.x")
    (tmp_path / "needy.py").write_text("import no_such_package\n")
    monkeypatch.setattr("lvpipe.readers.__path__", [*sys.modules["lvpipe.readers"].__path__, str(tmp_path)])
    with pytest.raises(UserError, match="reader needy: needs the package no_such_package, which is not installed"):
        load_reader("needy")


def test_a_function_gets_the_options_that_it_takes():
    masks = load_reader("masks")
    assert accepted(masks.cases_of, {"files": "x", "cavity": 2}) == {"files": "x"}
