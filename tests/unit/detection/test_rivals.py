"""The methods that learn nothing, on hearts that look real and on one that is."""

from functools import cache

import numpy as np
import pytest
from hearts import scene

from lvpipe.cine.conversion import Conversion
from lvpipe.config.convert import ConvertSettings
from lvpipe.config.detect import DetectSettings
from lvpipe.config.phantom import Irregularities, PhantomCohort, PhantomOrder
from lvpipe.config.resample import PreparedView
from lvpipe.detection.finding import load_method
from lvpipe.phantom.case import build_case
from lvpipe.readers import sunnybrook
from lvpipe.squares import reference_squares
from lvpipe.stages.resample import prepare_cine, prepare_reference

ORDER = PhantomOrder(
    seed=4,
    cohort=PhantomCohort(
        layout="kaggle",
        cases={"train": 9},
        frames=(12, 12),
        matrix=(112, 128),
        distractors=(2, 4),
        irregularities=dict.fromkeys(Irregularities.model_fields, 0.0),
    ),
)


@cache
def phantom(name: str):
    """A case with distractors, and the middle of its ventricle in each slice."""
    case = build_case("r", name, ORDER)
    cine = np.stack([case.image(taken) for taken in case.slices], axis=1)
    low, high = np.percentile(cine, [0.5, 99.5])
    boxes = [case.box(taken) or (np.nan,) * 4 for taken in case.slices]
    middles = np.array([[(top + bottom) / 2, (left + right) / 2] for top, left, bottom, right in boxes])
    return scene((cine - low) / (high - low) * 255, case.slices[0].plane.pixel_mm), middles


@pytest.mark.parametrize("method", ["fourier", "mean_deltas"])
@pytest.mark.parametrize("name", ["1", "2"])
def test_distractors_do_not_mislead_what_follows_motion(method, name):
    asked, middles = phantom(name)
    found = load_method(method).find(asked, DetectSettings())
    away_mm = np.hypot(*(found.squares[:, :2] - middles).T) * asked.pixel_mm
    assert np.nanmedian(away_mm) < 10


def test_a_real_heart_is_found(sunnybrook_root):
    (case, *_) = sunnybrook.list_cases(sunnybrook_root)
    study = sunnybrook.read_study([sunnybrook_root / source for source in case.sources], **case.options)
    view = PreparedView(spacing_mm=1.0, clip_percent=(0.5, 99.5))
    cine, drawn = Conversion(study, ConvertSettings()).images()
    asked = scene(prepare_cine(cine, view).array_tzyx)
    wanted = reference_squares(prepare_reference(drawn, view).array_tzyx, 1.0, 1.2)
    for method in ("fourier", "mean_deltas"):
        found = load_method(method).find(asked, DetectSettings())
        assert np.nanmedian(np.hypot(*(found.squares - wanted)[:, :2].T)) < 8
