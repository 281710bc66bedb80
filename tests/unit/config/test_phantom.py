import pytest
from pydantic import ValidationError

from lvpipe.config.phantom import PhantomCohort, PhantomSettings, Populations

COHORT = {"layout": "kaggle", "cases": {"train": 2}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cases": {"all": 2}}, "need keys of"),
        ({"cases": {}}, "found nothing"),
        ({"layout": "sunnybrook"}, "need keys of"),
        ({"frames": (25, 20)}, "lowest <= highest"),
        ({"matrix": (20, 40)}, "matrix of 48"),
        ({"irregularities": {"rotated": 1.5}}, "less than or equal to 1"),
        ({"cases": {"train": -1}}, "greater than or equal to 0"),
        ({"slice_spacing": (8, 10)}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        PhantomCohort(**{**COHORT, **wrong})


def test_somebody_must_be_in_the_population():
    with pytest.raises(ValidationError, match="positive weight"):
        Populations(normal=0, dilated=0, hypertrophic=0, infarct=0)


def test_more_cases_leave_earlier_ones_alone():
    few = PhantomSettings.model_validate({"cohorts": {"a": COHORT}})
    more = PhantomSettings.model_validate({"cohorts": {"a": {**COHORT, "cases": {"train": 3}}}})
    assert few.order("a", "2") == more.order("a", "2")
    assert few.order("a") != more.order("a")


def test_an_order_knows_nothing_of_other_cohorts():
    one = PhantomSettings.model_validate({"cohorts": {"a": COHORT}})
    two = PhantomSettings.model_validate({"cohorts": {"a": COHORT, "b": {**COHORT, "frames": (9, 9)}}})
    assert one.order("a").canonical() == two.order("a").canonical()
