"""Names from outside: what cannot stand in a path or a command never gets that far."""

import pytest

from lvpipe.cases import safe_name
from lvpipe.errors import UserError
from lvpipe.plan import Plan

HOSTILE = ("../../etc/x", "..", ".", "$(id)", "a b", "'", '"', "-rf", "--settings", "\N{SNOWMAN}", "\udcff", "x" * 400)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_from_a_sheet_is_made_safe(name):
    made = safe_name(name)
    assert made.replace("-", "").replace(".", "").isalnum()
    assert made.isascii()
    assert made[0].isalnum()
    assert ".." not in made
    assert len(made) < 60


@pytest.mark.parametrize("name", ["$(id)", "a b", "-rf", "a\n", "x_y", "\N{SNOWMAN}"])
def test_a_folder_name_that_cannot_be_a_case_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "SCD_IMAGES" / name).mkdir(parents=True)
    model = {"name": "unet", "kind": "draws", "view": "v", "network": "unet", "makes": "prob", "masks": ["mine"]}
    cohorts = [{"name": "mine", "reader": "sunnybrook", "path": str(tmp_path), "masks": True}]
    plan = Plan({"cohorts": cohorts, "models": [model], "resample": {"views": {"v": {}}}, "phantom": {"cohorts": {}}})
    with pytest.raises(UserError, match=r"cannot stand in a path|Snakemake cannot take") as raised:
        _ = plan.cases
    assert "\n" not in str(raised.value)
