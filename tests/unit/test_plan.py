import copy
import itertools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lvpipe.cases import SourceCase, number
from lvpipe.config.phantom import Irregularities
from lvpipe.config.postprocess import PostprocessSettings
from lvpipe.errors import UserError
from lvpipe.images import Image
from lvpipe.masks import make_mask
from lvpipe.plan import Plan, one_of

ROOT = Path(__file__).parents[2]
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
OPTIONS = {"channels": [16, 32]}
MODEL = {"name": "unet", "view": "standard", "network": "unet", "options": OPTIONS, "masks": ["contours"]}
DEFAULT = {
    **SHIPPED,
    "folds": 3,
    "models": [MODEL],
    "segment": {"shard_cases": 16},
    "phantom": {
        "cohorts": {
            "contours": {"layout": "sunnybrook", "cases": {"all": 20}},
            "volumes": {"layout": "kaggle", "cases": {"train": 12, "validate": 4, "test": 8}},
        }
    },
}
"""config.yaml with what these tests count on."""


def with_changes(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        inner = merged.get(key)
        merged[key] = with_changes(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def plan(**changes: Any) -> Plan:
    return Plan(with_changes(DEFAULT, changes))


def contours(cases: int) -> dict[str, Any]:
    return {"cohorts": {"contours": {"cases": {"all": cases}}}}


def model(**changes: Any) -> dict[str, Any]:
    return {**MODEL, **changes}


def cohort(**changes: Any) -> dict[str, Any]:
    return {"name": "real", "reader": "kaggle", "path": "dsb", "volumes": True, **changes}


@pytest.fixture
def kaggle(tmp_path: Path) -> Callable[..., Path]:
    """The bare folders of a Kaggle download; a listing is all that a plan looks at."""

    def make(*studies: str) -> Path:
        for study in studies:
            image = tmp_path / "dsb" / study / "study" / "sax_1" / "IM-1-1.dcm"
            image.parent.mkdir(parents=True)
            image.write_text(study)
        return tmp_path

    return make


def ask(made: Plan) -> None:
    """What a run of everything asks of a plan."""
    for model in made.models:
        for fold in range(made.config.folds):
            made.training.learners(model, fold)


def refusal(**changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        ask(plan(**changes))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_configuration_that_we_ship_is_fine():
    made = Plan(SHIPPED)
    ask(made)
    assert made.cases


def test_cases_are_known_before_any_file_exists():
    made = plan()
    assert len(made.members("contours")) == 20
    assert len(made.members("volumes")) == 24
    assert made.drawn() == made.members("contours") == made.drawn("contours")
    assert made.drawn("volumes") == []
    assert made.phantoms == {"contours": "sunnybrook", "volumes": "kaggle"}


def recipe(name: str) -> dict[str, Any]:
    """A recipe over config.yaml, or over the other recipe that its head names."""
    text = (ROOT / "recipes" / f"{name}.yaml").read_text()
    under = re.search(r"^# Laid over recipes/(\w+)\.yaml", text, re.MULTILINE)
    return with_changes(recipe(under[1]) if under else SHIPPED, yaml.safe_load(text))


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml")))
def test_every_recipe_is_valid_and_drops_no_cavity_that_its_networks_are_sure_of(name):
    made = Plan(recipe(name))
    y, x = np.indices((80, 80))
    prob = np.where(np.hypot(y - 40, x - 40) < 15, 0.9, 0.02).astype(np.float32)[None, None]
    for model in made.drawing:
        found = PostprocessSettings.model_validate_json(made.settings("postprocess", model))
        mask = make_mask({"cavity": Image(prob, np.eye(4))}, found)
        np.testing.assert_array_equal(mask.array_tzyx, prob > 0.5, model)


def test_who_is_another_hospitals_test_takes_nobody_from_training():
    made = Plan(recipe("sinha2020"))
    assert {made.cases[name].split for name in made.members("helix")} == {"test"}
    for fold in range(made.config.folds):
        learnt_from = {case.name for case in made.cases.values() if case.cohort == "sccor" and case.fold != fold}
        assert {*itertools.chain(*made.training.learners("unet", fold))} == learnt_from


def test_folds_are_by_patient_and_the_split_by_the_source():
    made = plan()
    for case in made.cases.values():
        assert case.fold == number(case.patient) % 3
    assert {case.split for case in made.cases.values() if case.cohort == "contours"} == {"train", "test"}
    assert [made.cases[str(i)].split for i in (1, 12, 13, 17, 24)] == ["train", "train", "validate", "test", "test"]


def test_a_gpu_is_asked_for_where_a_model_computes_on_one():
    there = model(name="large", overrides={"train": {"device": "cuda"}})
    made = plan(models=[MODEL, there], segment={"device": "cuda"})
    assert [made.gpus("train", name) for name in ("unet", "large")] == [0, 1]
    assert [made.gpus("segment", name) for name in ("unet", "large")] == [1, 1]


def test_one_more_case_moves_no_other():
    small, large = plan(phantom=contours(20)), plan(phantom=contours(21))
    assert {name: large.cases[name] for name in small.cases} == small.cases
    assert len(large.cases) == len(small.cases) + 1
    size = {"segment": {"shard_cases": 4}}
    before, after = plan(phantom=contours(20), **size).shards, plan(phantom=contours(21), **size).shards
    gone = [key for key, members in before.items() if after.get(key) != members]
    assert len(gone) <= 1
    for fold in range(3):
        learnt, now = (set(each.training.taught("unet", fold)) for each in (small, large))
        assert learnt <= now
        watched, watched_now = (set(each.training.learners("unet", fold)[1]) for each in (small, large))
        assert watched <= watched_now


@pytest.mark.parametrize("folds", [2, 3, 5])
@pytest.mark.parametrize("seed", [20, 33])
def test_who_learns_and_who_watches(folds, seed):
    made = plan(folds=folds, phantom=contours(seed))
    for fold in range(folds):
        learn, watch = made.training.learners("unet", fold)
        assert learn
        assert watch
        assert made.training.taught("unet", str(fold)) == learn + watch
        patients = [{made.cases[name].patient for name in part} for part in (learn, watch)]
        assert not patients[0] & patients[1]
        for name in learn + watch:
            case = made.cases[name]
            assert case.cohort == "contours"
            assert case.split != "test"
            assert case.fold != fold
            assert made.folds_for(case.held_out) != [fold]
        left_out = set(made.drawn()) - set(learn + watch)
        assert all(made.cases[name].split == "test" or made.cases[name].fold == fold for name in left_out)


def test_patients_with_several_studies_stay_together(kaggle, monkeypatch):
    from lvpipe.cases import SourceCase
    from lvpipe.readers import kaggle as reader

    twice = [SourceCase(f"{i}{k}", f"p{i}", "", ()) for i in range(12) for k in "ab"]
    monkeypatch.setattr(reader, "list_cases", lambda root: twice)
    root = kaggle("train/1")
    made = plan(data_root=str(root), cohorts=[cohort(masks=True)], models=[model(masks=["real"])])
    for fold in range(3):
        for part in made.training.learners("unet", fold):
            assert sorted(part) == sorted(f"{name[:-1]}{k}" for name in part if name.endswith("a") for k in "ab")


def test_a_held_out_case_is_seen_by_one_model_and_a_test_case_by_all():
    made = plan()
    assert made.folds_for("all") == [0, 1, 2]
    assert made.folds_for("1") == [1]
    for (fold, _), members in made.shards.items():
        assert 1 <= len(members) <= 16
        assert {made.cases[name].held_out for name in members} == {fold}
    assert sorted(name for members in made.shards.values() for name in members) == sorted(made.cases)


def test_overrides_change_one_models_settings_alone():
    other = model(name="other", overrides={"train": {"epochs": "7", "augmentation": {"share": 0}}})
    shared = {"augmentation": {"noise_sd": 0.01}}
    made = plan(models=[model(), other], train=shared)
    assert made.settings("train", "unet") == made.settings("train") == plan(train=shared).settings("train", "unet")
    changed, usual = (json.loads(made.settings("train", name)) for name in ("other", "unet"))
    assert changed["epochs"] == 7
    assert changed["augmentation"] == {**usual["augmentation"], "share": 0.0}
    assert {key for key in usual if usual[key] != changed[key]} == {"epochs", "augmentation"}
    for stage in ("segment", "postprocess", "integrate", "calibrate", "detect"):
        assert made.settings(stage, "other") == made.settings(stage, "unet")


def test_models_that_regress_are_measured_like_those_that_draw():
    drawing = model(volumes=["volumes"])
    head = {"name": "head", "kind": "regresses", "training": "unet", "makes": "areas"}
    whole = {"name": "whole", "kind": "regresses", "view": "standard", "network": "net4", "makes": "volumes"}
    whole |= {"window": {"side_px": 128, "images": "slice_cycle"}, "volumes": ["volumes"]}
    made = plan(models=[drawing, head, whole])
    assert made.measuring_slices == ["unet", "head"]
    assert made.measured == {key: ["contours", "volumes"] for key in ("unet", "head", "whole")}
    assert made.given_tables() == []
    assert made.heads == ["head"]
    assert made.area_files == ["results/areas.csv", "results/score/areas/head.svg"]
    assert made.training.strangers("head", 0) == made.training.strangers("unet", 0)
    assert plan(models=[drawing]).area_files == []


MEAN = {"name": "mean", "kind": "averages", "of": ["unet", "other"]}


def test_a_mean_is_drawn_and_not_trained_and_has_its_members_view_labels_and_masks():
    labels = ["cavity", "myocardium"]
    made = plan(models=[MEAN, model(labels=labels), model(name="other", labels=labels)])
    assert (made.drawing, made.trained, made.averaging) == (["mean", "unet", "other"], ["unet", "other"], ["mean"])
    entry = made.models["mean"]
    assert (entry.view, entry.labels, entry.masks) == ("standard", tuple(labels), ("contours",))
    assert made.measured["mean"] == ["contours", "volumes"]
    assert made.choosing_cases("mean") == made.choosing_cases("unet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"of": ["unet"]}, "of is [unet], expected two models or more, each once"),
        ({"of": ["unet", "unet"]}, "expected two models or more, each once"),
        ({"of": ["unet", "third"]}, "of names third, which is not there; expected one of: other, unet"),
        ({"of": ["unet", "mean"]}, "of names mean, which is not there"),
        ({"network": "unet"}, "network is for kind draws"),
        ({"makes": "areas"}, "makes and table are for kind given"),
        ({"overrides": {"train": {"epochs": 3}}}, "overrides of train concern the models that it averages"),
        ({"kind": "draws", "view": "standard", "network": "unet"}, "of is for kind averages"),
        ({"kind": "given", "makes": "areas"}, "of is for kind averages"),
    ],
)
def test_what_is_wrong_of_a_mean_is_said(change, words):
    assert words in refusal(models=[model(), model(name="other"), {**MEAN, **change}])


def test_networks_with_unlike_labels_are_not_averaged():
    other = model(name="other", labels=["cavity", "myocardium"])
    assert "unet and other have other labels; expected the same" in refusal(models=[model(), other, MEAN])


def test_a_view_depends_on_nothing_else():
    usual = plan()
    assert plan(resample={"views": {"raw": {"pixels_size": 128}}}).view("standard") == usual.view("standard")
    assert plan(resample={"spacing_mm": 1.5}).view("standard") != usual.view("standard")
    assert json.loads(usual.view("standard"))["spacing_mm"] == 1.0


def test_settings_are_canonical_whatever_the_order_or_type():
    assert plan(detect={"side_mm": "96"}).settings("detect") == plan(detect={"side_mm": 96}).settings("detect")
    turned = dict(reversed(DEFAULT["train"].items()))
    assert Plan({**DEFAULT, "train": turned}).settings("train") == plan().settings("train")


def test_the_code_of_a_network_counts_for_its_model_alone():
    made = plan()
    assert made.training.network_module("unet") == "lvpipe.networks.unet"
    assert made.code("train", made.training.network_module("unet")) != made.code("train")
    known = {"network": "unet", "options": {"channels": [16, 32], "outputs": 1}}
    assert json.loads(made.training.network("unet")) == known


def test_a_real_cohort_is_known_from_its_listing(kaggle):
    root = kaggle("train/2", "train/10", "test/700")
    (root / "dsb" / "train.csv").write_text("Id,Systole,Diastole\n2,50,120\n")
    made = plan(data_root=str(root), cohorts=[*DEFAULT["cohorts"][:1], cohort(prefix="dsb-")])
    assert made.members("real") == ["dsb-2", "dsb-10", "dsb-700"]
    assert made.sources("dsb-10") == [str(root / "dsb" / "train" / "10")]
    assert made.sheets("real") == [str(root / "dsb" / "train.csv")]
    assert made.reader("real") == "lvpipe.readers.kaggle"
    first = made.fingerprint("dsb-10")
    (root / "dsb" / "train" / "10" / "study" / "sax_1" / "IM-1-2.dcm").touch()
    assert made.fingerprint("dsb-10") != first
    assert json.loads(made.sheet_order())["cohorts"][1] == {
        "name": "real",
        "reader": "kaggle",
        "root": str(root / "dsb"),
        "prefix": "dsb-",
        "volumes": True,
        "tables": [],
        "options": {},
    }


def test_a_case_name_stands_once_in_a_run(kaggle):
    root = str(kaggle("train/3"))
    both = [*DEFAULT["cohorts"], cohort()]
    message = refusal(data_root=root, cohorts=both)
    assert "case 3 is in the cohorts volumes and real" in message
    assert "prefix" in message
    assert "dsb-3" in plan(data_root=root, cohorts=[*DEFAULT["cohorts"], cohort(prefix="dsb-")]).cases


def test_a_missing_folder_is_named(tmp_path):
    message = refusal(data_root=str(tmp_path), cohorts=[*DEFAULT["cohorts"][:1], cohort()])
    assert f"{tmp_path / 'dsb'} is not a folder" in message
    assert "data_root" in message


def test_an_empty_folder_is_not_a_cohort(tmp_path):
    (tmp_path / "dsb").mkdir()
    message = refusal(data_root=str(tmp_path), cohorts=[*DEFAULT["cohorts"][:1], cohort()])
    assert "cohort real: no cases in" in message


@pytest.mark.parametrize("reader", ["folder", "slices"])
@pytest.mark.parametrize("name", ["Bó {case}", "a\nb", os.fsdecode(b"B\xf3")])
def test_a_source_that_snakemake_cannot_name_is_refused(tmp_path, monkeypatch, reader, name):
    monkeypatch.chdir(tmp_path)  # where the reader `folder` keeps its key
    (tmp_path / "data" / name).mkdir(parents=True)
    (tmp_path / "data" / name / "slice01_frame01.png").touch()
    message = refusal(cohorts=[*DEFAULT["cohorts"][:1], cohort(reader=reader, path="data")])
    assert "cohort real: " in message
    assert "which Snakemake cannot take; rename it" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [model(network="vnet")]}, ["network vnet is not there", "known:", "unet"]),
        ({"models": [model(options={"chanels": [8]})]}, ["unknown key `chanels`", "known: channels", "dropout"]),
        ({"models": [model(network="")]}, ["the model unet is of kind draws: network is missing"]),
        ({"models": [model(view="standart")]}, ["standart", "one of: preprocessed, raw, standard"]),
        ({"models": [model(masks=["contour"])]}, ["contour,", "one of: contours"]),
        ({"models": [model(masks=["volumes"])]}, ["volumes", "one of: contours"]),
        ({"models": [model(masks=[])]}, ["masks is empty"]),
        ({"models": [model(), model()]}, ["the name unet stands twice"]),
        ({"models": [model(name="a_b")]}, ["a_b"]),
        ({"models": [model(overrides={"train": {"epoch": 3}})]}, ["unet", "overrides", "did you mean `epochs`"]),
        ({"models": [model(overrides={"train": {"epochs": "many"}})]}, ["unet", "overrides", "'many'"]),
        ({"models": [model(overrides={"trian": {}})]}, ["trian", "did you mean `train`"]),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "reader": "sunybrook"}]}, ["sunybrook", "known: ", "sunnybrook"]),
        (
            {"cohorts": [*DEFAULT["cohorts"], cohort(reader="slices", options={"pixel_mm": "a"})]},
            ["cohorts: real: options: pixel_mm is 'a'"],
        ),
        (
            {"cohorts": [*DEFAULT["cohorts"], cohort(reader="nifti", options={"frames": [1]})]},
            ["real: options: frames is for a single case"],
        ),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "reader": "kaggle"}]}, ["reader is kaggle", "layout sunnybrook"]),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "phantom": "contour"}]}, ["contour,", "one of: contours, volumes"]),
        ({"cohorts": [{**DEFAULT["cohorts"][0], "path": "x"}]}, ["path and phantom", "exactly one"]),
        ({"cohorts": []}, ["cohorts"]),
        ({"phantom": contours(2)}, ["model unet, fold", "patients with masks", "add cases"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(changes, words):
    message = refusal(**changes)
    for word in words:
        assert word in message


def test_nobody_to_learn_from_ends_the_run_when_it_is_asked(capsys):
    made = plan(phantom=contours(1))
    with pytest.raises(SystemExit) as caught:
        [made.training.taught("unet", fold) for fold in range(3)]
    assert str(caught.value).startswith("lvpipe: model unet, fold")


def test_a_test_patient_is_learnt_from_through_no_other_cohort():
    """Two cohorts of one source share patients; what is test in one is learnt from in neither."""
    twice = [DEFAULT["cohorts"][0], {**DEFAULT["cohorts"][0], "name": "again", "prefix": "x", "test_share": 0.0}]
    made = plan(cohorts=twice, models=[model(masks=["contours", "again"])])
    tested = {case.patient for case in made.cases.values() if case.split == "test"}
    assert tested
    for fold in range(made.config.folds):
        learn, watch = made.training.learners("unet", fold)
        assert not tested & {made.cases[name].patient for name in learn + watch}


def test_a_model_chooses_by_the_drawn_cases_that_may_teach_it_and_only_where_it_is_asked_to():
    asked = model(name="asked", overrides={"postprocess": {"choose": ["threshold"]}})
    made = plan(models=[model(), asked])
    assert made.choices("unet") == []
    assert made.choices("asked") == ["results/postprocess/asked/choices.json"]
    names = made.choosing_cases("asked")
    assert set(names) == {name for fold in range(made.config.folds) for name in made.training.taught("asked", fold)}
    assert json.loads(made.choosers("asked")) == [[n, made.cases[n].patient, made.cases[n].fold] for n in names]


def test_somebody_is_always_learnt_from():
    made = plan(train={**DEFAULT["train"], "inner_share": 0.49}, phantom=contours(12))
    for fold in range(made.config.folds):
        learn, watch = made.training.learners("unet", fold)
        assert learn
        assert watch


def test_a_case_name_that_cannot_stand_in_a_path_is_refused(kaggle, monkeypatch):
    root = kaggle("train/3")
    monkeypatch.setattr("lvpipe.readers.kaggle.list_cases", lambda _: [SourceCase("Jane_Doe 1", "p", "train", ())])
    message = refusal(data_root=str(root), cohorts=[*DEFAULT["cohorts"][:1], cohort()])
    assert "'Jane_Doe 1' cannot stand in a path" in message


@pytest.mark.parametrize("stage", ["train", "segment"])
def test_without_a_device_a_network_job_asks_for_no_gpu_and_names_the_other_environment(stage):
    plan = Plan(DEFAULT)
    assert plan.gpus(stage, "unet") == 0
    assert (ROOT / "workflow" / "rules" / plan.environment(stage, "unet")).resolve() == ROOT / "envs" / "cpu.yaml"


GIVEN = {"name": "net", "kind": "given", "makes": "areas", "table": "n1"}
BROUGHT = {"name": "brought", "reader": "areas", "path": "tables", "volumes": True}


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A cohort of two cases that brings the table n1."""
    (tmp_path / "tables" / "areas").mkdir(parents=True)
    (tmp_path / "tables" / "cases.csv").write_text("case,split\nb1,train\nb2,test\n")
    (tmp_path / "tables" / "areas" / "n1.csv").write_text("case,frame,slice,cavity_mm2\n")
    return tmp_path


def test_given_estimates_alone_need_no_network_and_no_cine(tables):
    made = plan(data_root=str(tables), cohorts=[BROUGHT], models=[GIVEN])
    assert made.cine_cohorts == made.cines == made.drawing == made.drawn() == []
    assert made.shards == {}
    assert made.phantoms == {}
    assert made.measured == {"net": ["brought"]}
    assert made.measuring("volumes") == ["results/integrate/net/brought_volumes.csv"]
    assert made.given_tables() == [str(tables / "tables" / "areas" / "n1.csv")]
    assert json.loads(made.sheet_order())["cohorts"][0]["tables"] == ["n1"]
    source = json.loads(made.given_source("net", "brought"))
    assert (source["reader"], source["table"], source["complete"]["slices_for_volume"]) == ("areas", "n1", 4)


def test_the_case_sheet_depends_on_what_lies_in_folders_of_masks(tmp_path):
    masks = tmp_path / "tables" / "m1"
    masks.mkdir(parents=True)
    (masks / "b1.nii.gz").write_bytes(b"1")
    brought = {**BROUGHT, "reader": "masks"}
    made = plan(data_root=str(tmp_path), cohorts=[brought], models=[{**GIVEN, "makes": "masks", "table": "m1"}])
    before = made.given_fingerprints()
    assert before == made.given_fingerprints()
    (masks / "b2.nii.gz").write_bytes(b"2")
    assert made.given_fingerprints() != before


def test_code_of_the_sheet_is_none_of_a_cases():
    made = Plan(DEFAULT)
    case, sheet = made.code("convert", made.reader("contours")), made.code("convert", "lvpipe.sheet")
    for module in ("lvpipe.sheet", "lvpipe.cine.ledger_table", "lvpipe.reader_options"):
        assert f"{module}=" not in case
        assert f"{module}=" in sheet
    assert "lvpipe.one_study=" not in case + sheet
    assert "lvpipe.given=" not in case + sheet
    assert "lvpipe.given=" in made.code("convert", "lvpipe.sheet", "lvpipe.readers.areas")


def test_who_measures_whom(tables):
    made = plan(data_root=str(tables), cohorts=[*DEFAULT["cohorts"], BROUGHT], models=[MODEL, GIVEN])
    assert made.measured == {"unet": ["contours", "volumes"], "net": ["brought"]}
    assert made.drawing == ["unet"]
    assert made.measured_by("unet", "pairs") == [
        "results/integrate/unet/contours_pairs.csv",
        "results/integrate/unet/volumes_pairs.csv",
    ]
    assert not {"b1", "b2"} & {name for members in made.shards.values() for name in members}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [{**GIVEN, "makes": "prob"}]}, ["net is of kind given", "makes is prob, expected areas or masks"]),
        ({"models": [{**GIVEN, "view": "raw", "network": "unet"}]}, ["view is for kind draws", "network is for kind"]),
        ({"models": [{**GIVEN, "overrides": {"train": {"epochs": 2}}}]}, ["overrides of train concern no given"]),
        ({"models": [{**GIVEN, "table": "n2"}]}, ["models: net measures no cohort", "the table n2", "there are: n1"]),
        ({"models": [{**GIVEN, "makes": "masks"}]}, ["cohort of reader masks with the table n1", "there are: none"]),
        ({"models": [{**MODEL, "masks": []}]}, ["masks is empty"]),
        ({"cohorts": [*DEFAULT["cohorts"], BROUGHT]}, ["no model measures contours; expected one of kind: draws"]),
        (
            {"cohorts": [*DEFAULT["cohorts"], BROUGHT], "models": [MODEL]},
            ["no model measures brought; expected one of kind: given, makes: areas"],
        ),
        ({"cohorts": [{**BROUGHT, "masks": True}]}, ["brought: reader areas brings estimates", "`masks`"]),
        ({"cohorts": [{**BROUGHT, "options": {"files": "x"}}]}, ["unknown key `files`", "known: none"]),
        (
            {"cohorts": [{**BROUGHT, "reader": "masks", "options": {"cavity": "1"}}]},
            ["cohorts: brought: options: cavity is '1'; expected a whole number"],
        ),
    ],
)
def test_a_mistake_about_given_estimates_is_one_line(tables, changes, words):
    settings = {"data_root": str(tables), "cohorts": [BROUGHT], "models": [GIVEN], **changes}
    with pytest.raises(UserError) as caught:
        _ = plan(**settings).measured
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_of_no_names_matches_nothing():
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.match(one_of([]), "")


def test_the_phantoms_of_the_benchmark_have_every_irregularity():
    recipe = yaml.safe_load((ROOT / "recipes" / "detection_phantom.yaml").read_text())
    planted = recipe["phantom"]["cohorts"]["volumes"]["irregularities"]
    assert set(planted) == set(Irregularities.model_fields)
    assert min(planted.values()) > 0
