import os

import pytest

from lvpipe.explain.chain import Place, complaints, hash_file, owner, read_cases, walk
from lvpipe.explain.records import Records


@pytest.fixture
def chain(run):
    """Two cases from source to table, and a table of the other cohort."""
    run("results/convert/cases.csv", "case,cohort\n1,c\n2,c\n", inputs=[])
    for case in "12":
        run(f"results/convert/{case}_cine.nii.gz", case, inputs=[])
        run(f"results/mask/{case}_mask.nii.gz", case, inputs=[f"results/convert/{case}_cine.nii.gz"])
    masks = [f"results/mask/{case}_mask.nii.gz" for case in "12"]
    run("results/mine_volumes.csv", "case\n1\n2\n", inputs=masks)
    run("results/other_volumes.csv", "case\n9\n", inputs=[])
    run("results/crps.csv", "crps\n1\n", inputs=["results/mine_volumes.csv", "results/other_volumes.csv"])

    def steps(case="1", other_models=()):
        place = Place(run.folder, case, ("1", "2"), frozenset(other_models))
        found = walk(Records(run.folder), "results/crps.csv", place)
        return place, {step.file: step for step in found}

    return steps


def wrong(place, steps):
    found = [line for step in steps.values() for line in complaints(step, place, hash_file(place.path(step.file)))]
    return [line.replace("results/", "") for line in found]


def test_only_what_concerns_the_case_is_followed(chain):
    _, steps = chain()
    assert list(steps) == [
        "results/crps.csv",
        "results/mine_volumes.csv",
        "results/mask/1_mask.nii.gz",
        "results/convert/1_cine.nii.gz",
    ]
    assert steps["results/crps.csv"].others == ["results/other_volumes.csv"]
    assert steps["results/mine_volumes.csv"].others == ["results/mask/2_mask.nii.gz"]


def test_the_account_beside_an_image_belongs_to_the_chain(chain, run):
    run("results/convert/1_cine.json", inputs=[])
    _, steps = chain()
    assert list(steps)[-2:] == ["results/convert/1_cine.nii.gz", "results/convert/1_cine.json"]
    run("results/convert/1_cine.json", inputs=[], rule="another")
    assert "results/convert/1_cine.json" not in chain()[1]


def test_an_untouched_chain_has_nothing_wrong(chain):
    assert wrong(*chain()) == []


def test_a_changed_file_is_named_with_what_was_made_from_it(chain):
    place, steps = chain()
    place.path("results/mask/1_mask.nii.gz").write_text("by hand")
    assert wrong(place, steps) == ["mask/1_mask.nii.gz changed since mine_volumes.csv was made from it"]


def test_a_touched_file_is_no_change(chain):
    place, steps = chain()
    os.utime(place.path("results/mask/1_mask.nii.gz"))
    assert wrong(place, steps) == []


def test_a_file_that_is_gone(chain):
    place, steps = chain()
    place.path("results/mask/1_mask.nii.gz").unlink()
    assert wrong(place, steps) == ["mask/1_mask.nii.gz is gone"]


def test_without_a_kept_hash_time_tells(run):
    run("big", inputs=[], ended=4e9)
    run("small", inputs=["big"], kept=False, ended=1e9)
    place = Place(run.folder, "1", ())
    steps = {step.file: step for step in walk(Records(run.folder), "small", place)}
    assert wrong(place, steps)[-1].startswith("big is newer than small, which was made from it")


def test_a_file_changed_by_hand_is_noticed_though_all_after_it_was_made_again(run):
    run("mask", "by hand", inputs=[], rule="postprocess", ended=1e9)
    run("areas", inputs=["mask"])
    place = Place(run.folder, "1", ())
    steps = {step.file: step for step in walk(Records(run.folder), "areas", place)}
    assert wrong(place, steps) == ["mask was written after postprocess had made it"]


def test_a_result_without_a_record(run):
    run("results/b")
    run("results/a", inputs=["results/b"])
    place = Place(run.folder, "1", ())
    steps = {step.file: step for step in walk(Records(run.folder), "results/a", place)}
    assert wrong(place, steps) == ["b: Snakemake has no record of how it was made"]


def test_other_models_are_left_out(run):
    run("results/integrate/a/t.csv", inputs=[])
    run("results/integrate/b/t.csv", inputs=[])
    run("results/crps.csv", inputs=["results/integrate/a/t.csv", "results/integrate/b/t.csv"])
    place = Place(run.folder, "1", (), frozenset({"b"}))
    found = [step.file for step in walk(Records(run.folder), "results/crps.csv", place)]
    assert found == ["results/crps.csv", "results/integrate/a/t.csv"]


def test_whose_file_it_is(run):
    assert owner("results/mask/1_mask.nii.gz", ["1", "2"]) == "1"
    assert owner("results/contours_volumes.csv", ["1", "2"]) is None
    assert read_cases(run.folder) == {}
