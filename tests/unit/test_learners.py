import pytest

from lvpipe.cases import Case
from lvpipe.errors import UserError
from lvpipe.learners import share_out


def case(name: str, fold: int, split: str = "train", patient: str = "", cohort: str = "drawn") -> Case:
    return Case(name, cohort, patient or name, split, fold, ())


CASES = [case(f"c{i}", i % 3) for i in range(30)]


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_nobody_of_the_held_out_fold_teaches(fold):
    learn, watch = share_out(CASES, ["drawn"], fold, 0.2, "model m")
    assert {*learn, *watch} == {one.name for one in CASES if one.fold != fold}
    assert watch
    assert not {*learn} & {*watch}


def test_a_patient_is_not_divided_between_those_who_learn_and_those_who_watch():
    twice = CASES + [case(f"again-{one.name}", one.fold, patient=one.patient) for one in CASES]
    learn, watch = share_out(twice, ["drawn"], 0, 0.3, "model m")
    assert {name.removeprefix("again-") for name in learn} == {name for name in learn if "again" not in name}
    assert len(learn) + len(watch) == 40


def test_test_patients_teach_through_no_cohort_and_other_cohorts_teach_nothing():
    cases = [*CASES, case("t", 1, split="test", patient="c1", cohort="other"), case("o", 1, cohort="other")]
    learn, watch = share_out(cases, ["drawn"], 0, 0.2, "model m")
    assert not {"c1", "t", "o"} & {*learn, *watch}


def test_without_two_patients_there_is_nothing_to_learn():
    with pytest.raises(UserError, match=r"model m, fold 0: 1 patients with masks .* drawn; expected at least 2"):
        share_out([case("a", 1), case("b", 0)], ["drawn"], 0, 0.2, "model m")
    with pytest.raises(UserError, match="none has masks"):
        share_out([], [], 0, 0.2, "model m")
