"""Editing one module, or one setting, runs again exactly what depends on it."""

import csv
from contextlib import contextmanager

import pytest
import yaml

from .conftest import QUICK, ROOT

END = {"all"}
AFTER_SCORE = {"score", "report"} | END
WINDOWS = {"score_windows", "score_figure"}
SCORE_RULES = {"score_masks", "score_boxes", "score_slices", "score_areas"} | WINDOWS
AFTER_CALIBRATE = {"calibrate"} | AFTER_SCORE
AFTER_SHEET = {"convert_sheet", "score_boxes", "score_areas"} | AFTER_CALIBRATE
AFTER_COHORT = {"integrate_cohort", "score_areas"} | AFTER_CALIBRATE
AFTER_AREAS = {"integrate_areas"} | AFTER_COHORT
AFTER_POSTPROCESS = {"postprocess", "score_masks", "score_slices", "integrate"} | AFTER_COHORT
AFTER_SEGMENT = {"segment_0_all", "segment_1_all", "segment_all_all"} | AFTER_POSTPROCESS
AFTER_REGRESS = {"regress_areas_0_all", "regress_areas_1_all", "regress_areas_all_all"} | AFTER_AREAS
AFTER_UNET = {"train", "train_curve"} | AFTER_SEGMENT
AFTER_HFCN = AFTER_UNET | AFTER_REGRESS | WINDOWS
SHARDS = {cohort: [f"{cohort}_{fold}_all" for fold in ("0", "1", "all")] for cohort in ("contours", "volumes")}
PICTURES = {f"detect_picture_{shard}" for shards in SHARDS.values() for shard in shards}
FIND = {f"detect_{shard}" for shards in SHARDS.values() for shard in shards}
AFTER_FIND = FIND | PICTURES | {"score_boxes"} | AFTER_HFCN
AFTER_FITTER = {"detect_fitter"} | AFTER_FIND
AFTER_CLASSIFIER = {"detect_classifier"} | AFTER_FIND
AFTER_CASCADE = {"detect_cascade"} | AFTER_CLASSIFIER
AFTER_RESAMPLE = {"resample", "resample_reference"} | AFTER_CASCADE | AFTER_FITTER
AFTER_CONVERT = {"convert_contours", "convert_volumes", "convert_sheet"} | AFTER_RESAMPLE
PHANTOM = {"phantom_contours", "phantom_volumes", "phantom_sheet_contours", "phantom_sheet_volumes"}
# Cases of the Kaggle layout share shards with the others, and their volumes teach, but no detector learns from them.
KAGGLE = {f"detect_{word}{shard}" for word in ("", "picture_") for shard in SHARDS["volumes"]}
AFTER_KAGGLE = {"convert_volumes", "resample", "score_boxes"} | KAGGLE | AFTER_SHEET | AFTER_HFCN

MODULES = {
    "stages/phantom.py": PHANTOM | AFTER_CONVERT,
    "readers/kaggle.py": AFTER_KAGGLE,
    "zipped.py": AFTER_CONVERT,  # all images are read and written with it
    "stages/resample.py": AFTER_RESAMPLE,
    "detection/cascade/boosting.py": AFTER_CASCADE,
    "detection/teaching/deciding.py": AFTER_CLASSIFIER,
    "networks/roi_fit.py": AFTER_FITTER,
    "detection/methods/lbp_cnn.py": AFTER_FIND,
    "detection/methods/fourier.py": AFTER_FIND,  # it is asked beside the method that decides
    "detection/audit.py": PICTURES | {"report"} | END,
    "detection/judging.py": {"score_boxes", "report"} | END,
    "networks/unet.py": AFTER_UNET,
    "networks/hfcn.py": AFTER_HFCN,
    "learning/parts.py": AFTER_HFCN,
    "learning/by_volumes.py": AFTER_HFCN,
    "learning/telling.py": AFTER_REGRESS,
    "learning/area_table.py": WINDOWS | {"report"} | END,
    "drawn.py": AFTER_HFCN | SCORE_RULES,  # whose wall was drawn: what is learnt, and what is scored
    "sheet.py": AFTER_SHEET,
    "cine/ledger_table.py": AFTER_SHEET,
    "given.py": AFTER_AREAS | {"integrate"},  # the sheet asks it where a cohort brings its estimates
    "learning/apply.py": AFTER_HFCN,  # volumes teach turned stacks
    "stages/postprocess.py": AFTER_POSTPROCESS,
    "masks.py": AFTER_POSTPROCESS,
    "stages/integrate.py": AFTER_AREAS | {"integrate"},
    # Volumes teach by it, forecasts weigh slices with it, score reads forecasts, and report draws curves too.
    "volumes.py": AFTER_HFCN | SCORE_RULES,
    "metrics.py": AFTER_CALIBRATE | SCORE_RULES | {"train_curve"},
    "borders.py": AFTER_SCORE | SCORE_RULES | {"train_curve"},
    "compat_metrics.py": AFTER_SCORE | SCORE_RULES | {"train_curve"},
    "scoring/gallery.py": {"score_slices", "report"} | END,
    "pages/tables.py": {"report", "train_curve"} | END,
    "charts/svg.py": {"report", "train_curve", "score_figure"} | END,
}

IDLE = (
    "detection/methods/mean_deltas.py",  # it is not asked
    "learning/leak_table.py",  # no model's images are split regardless of patients
    "comparison/table.py",  # no paper is named
    "one_study.py",  # for people alone
    "choosing.py",  # asked by models that choose alone
    "config/cohorts.py",  # a new key of cohorts or models
    "plan.py",  # they only ask; what they answer stands in the params
    "cohort_plan.py",
    "training_plan.py",
    "provenance.py",  # how code is read
    "config/schema.py",
)
"""Modules that no job of this run depends on."""

TINY = yaml.safe_load((ROOT / "recipes" / "tiny.yaml").read_text())
UNET, HFCN, AREAS = TINY["models"]
COMPARED = {"score_areas"}
"""Not asked for where no model tells areas."""

SETTINGS = {
    "resample.spacing_mm": ({"resample": {"spacing_mm": 2.5}}, AFTER_RESAMPLE),
    "detect.cascade.stages": ({"detect": {"cascade": {"stages": 5}}}, AFTER_CASCADE),
    "detect.classifier.seed": ({"detect": {"classifier": {"seed": 5}}}, AFTER_CLASSIFIER),
    "detect.fitter.seed": ({"detect": {"fitter": {"seed": 5}}}, AFTER_FITTER),
    "detect.agree_mm": ({"detect": {"agree_mm": 30}}, AFTER_FIND),
    "models.window": ({"models": [{**UNET, "window": {"side_px": 72}}]}, AFTER_UNET - COMPARED),
    "models.labels": ({"models": [{**UNET, "labels": ["cavity", "myocardium"]}]}, AFTER_UNET - COMPARED),
    "segment.turns": ({"segment": {"turns": "mirrors"}}, AFTER_SEGMENT),
    "models.volumes": ({"models": [UNET, {**HFCN, "volumes": ["contours"]}, AREAS]}, AFTER_HFCN),
    "train.seed": ({"train": {"seed": 9}}, AFTER_HFCN),
    "train.split_by": ({"train": {"split_by": "image"}}, AFTER_HFCN | {"score_leak"}),
    "train.volumes": ({"train": {"volumes": {"areas_weight": 0.5}}}, AFTER_HFCN),
    "segment.batch_images": ({"segment": {"batch_images": 8}}, AFTER_SEGMENT),
    "postprocess.threshold": ({"postprocess": {"threshold": 0.6}}, AFTER_POSTPROCESS),
    "regress.seed": ({"regress": {"seed": 5}}, AFTER_REGRESS | WINDOWS),
    "integrate.rule": ({"integrate": {"rule": "disk"}}, AFTER_HFCN),  # volumes teach by it
    "calibrate.window": ({"calibrate": {"window": 0.05}}, AFTER_CALIBRATE),
    "score.hausdorff": ({"score": {"hausdorff": False}}, AFTER_SCORE | {"score_masks", "score_slices"}),
    "published.papers": ({"published": {"papers": ["liao2017"]}}, {"published", "report"} | END),
    "report.title": ({"report": {"title": "Another"}}, {"report"} | END),
}


IDLE_SETTINGS = {
    "integrate": {"smooth_frames": 3},
    "resample": {"spacing_mm": "2", "views": {"raw": {"pixels_shrink": 4}}},
    "detect": {"locator": {"seed": 5}},
}
"""The same in other words, a view that no model sees, and a way to find hearts that is not asked."""


def merged(settings):
    """Settings over those that the finished run had in its own overlay."""
    return laid_over(QUICK, settings)


def laid_over(base, changes):
    both = {key: laid_over(base[key], value) for key, value in changes.items() if isinstance(base.get(key), dict)}
    return {**base, **changes, **both}


@contextmanager
def edited(modules, edit="{source}\n_EDITED = 1\n"):
    """These files with another text, until they are put back."""
    sources = {path: path.read_text() for path in modules}
    try:
        for path, source in sources.items():
            path.write_text(edit.replace("{source}", source))
        yield
    finally:
        for path, source in sources.items():
            path.write_text(source)


@pytest.mark.parametrize("module", MODULES)
def test_an_edited_module_runs_again_what_imports_it(finished, module):
    with edited([finished.repository / "lvpipe" / module]):
        assert set(finished.would_run()) == MODULES[module]


def test_edited_modules_that_nothing_needs_run_nothing(finished):
    with edited([finished.repository / "lvpipe" / module for module in IDLE]):
        assert finished.would_run() == {}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_changed_setting_runs_again_what_depends_on_it(finished, setting):
    overlay, expected = SETTINGS[setting]
    assert set(finished.would_run(merged(overlay))) == expected


def test_settings_that_nothing_needs_run_nothing(finished):
    assert finished.would_run(merged(IDLE_SETTINGS)) == {}


def test_comments_docstrings_and_touched_files_run_nothing(finished):
    with edited((finished.repository / "lvpipe").rglob("*.py"), "# A comment.\n{source}\n"):
        assert finished.would_run() == {}


def test_a_new_network_runs_nothing(finished):
    path = finished.repository / "lvpipe" / "networks" / "other.py"
    path.write_text("def build():\n    return None\n")
    try:
        assert finished.would_run() == {}
    finally:
        path.unlink()


def test_an_override_concerns_its_model_alone(finished):
    model = {**UNET, "overrides": {"postprocess": {"threshold": 0.6}}}
    assert set(finished.would_run({"models": [model]})) == AFTER_POSTPROCESS - COMPARED


def test_one_model_more_trains_itself_alone(finished):
    other = {**UNET, "name": "other", "options": {"channels": [4, 8]}}
    jobs = finished.would_run({"models": [UNET, other]})
    assert set(jobs) == AFTER_UNET - COMPARED
    assert (jobs["train"], jobs["postprocess"], jobs["calibrate"]) == (2, 12, 1)


def test_a_mean_of_models_runs_itself_alone(finished):
    other = {**UNET, "name": "other", "options": {"channels": [4, 8]}}
    mean = {"name": "mean", "kind": "averages", "of": ["unet", "other"]}
    apart, together = (finished.would_run({"models": models}) for models in ([UNET, other], [UNET, other, mean]))
    assert together.pop("segment_average") == 12
    assert set(together) == set(apart)
    assert (together["train"], together["segment_0_all"], together["postprocess"]) == (2, 1, 24)


def test_one_case_more_runs_its_own_shard_alone(finished):
    """A sixth study, of split test: its own jobs, and the one shard of test cases that it falls in.

    Networks that volumes teach are not trained again: what the sheet of all cases says of the others is the same.
    """
    more = {"phantom": {"cohorts": {"volumes": {"cases": {"train": 2, "validate": 1, "test": 3}}}}}
    jobs = finished.would_run(more)
    single = ("phantom_volumes", "convert_volumes", "resample", "detect_volumes_all_all", "regress_areas_all_all")
    assert {rule: jobs.get(rule) for rule in single} == dict.fromkeys(single, 1)
    assert not {
        "segment_0_all",
        "segment_1_all",
        "detect_volumes_0_all",
        "detect_contours_all_all",
        "detect_cascade",
        "train",
        "resample_reference",
        "convert_contours",
    } & set(jobs)
    sheet = csv.DictReader((finished.folder / "results" / "convert" / "cases.csv").open())
    shard = [row for row in sheet if row["split"] == "test"]
    assert jobs["segment_all_all"] == len([UNET, HFCN])
    assert jobs["postprocess"] == jobs["integrate"] == 2 * jobs["integrate_areas"] == 2 * (len(shard) + 1) < 24
