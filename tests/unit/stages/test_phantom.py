import pytest

from lvpipe.config.phantom import PhantomSettings
from lvpipe.errors import UserError
from lvpipe.stages.phantom import main

SETTINGS = PhantomSettings.model_validate(
    {"cohorts": {"c": {"layout": "kaggle", "cases": {"train": 1}, "matrix": [64, 64], "frames": [8, 8]}}}
)


def run(action, root, *more):
    main([action, "--cohort", "c", "--root", str(root), "--settings", SETTINGS.order("c").canonical(), *more])


def test_case_and_sheet_make_a_cohort(tmp_path):
    run("case", tmp_path, "--case", "1")
    run("sheet", tmp_path)
    assert (tmp_path / "train.csv").read_text().startswith("Id,Systole,Diastole\n1,")
    assert {path.name[:3] for path in (tmp_path / "train/1/study").iterdir()} == {"sax", "2ch", "4ch"}


def test_an_unknown_case_is_a_clear_error(tmp_path):
    with pytest.raises(UserError, match="no case 7"):
        run("case", tmp_path, "--case", "7")
