from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.cases import SourceCase, number, place, shards

names = st.sets(st.text("abcXYZ0123456789.-", min_size=1, max_size=8), min_size=1, max_size=80)


def source(name: str, patient: str = "", split: str = "") -> SourceCase:
    return SourceCase(name, patient or name, split, (f"folder/{name}",))


def test_a_name_has_the_same_number_on_every_machine():
    assert number("SCD0000101") == 3723097588667285781  # a change here would move every case to another fold
    assert 0 <= number("") < 2**64
    assert number("a") != number("b")


def test_a_case_stands_in_its_cohort_under_its_prefix():
    case = place(source("7", "p7", "validate"), "kaggle", "dsb-", folds=3, test_share=0.0)
    assert (case.name, case.cohort, case.patient, case.split) == ("dsb-7", "kaggle", "p7", "validate")
    assert case.sources == ("folder/7",)
    assert case.held_out == str(case.fold)


def test_the_sources_own_split_wins():
    for share in (0.0, 1.0):
        for split in ("train", "validate", "test"):
            assert place(source("7", split=split), "c", "", 3, share).split == split


def test_all_studies_of_a_patient_are_in_one_fold_and_split():
    for i in range(50):
        studies = [place(source(f"{i}-{k}", f"patient {i}"), "c", f"{k}-", 5, 0.3) for k in "ab"]
        assert studies[0].fold == studies[1].fold
        assert studies[0].split == studies[1].split


def test_shares_are_as_wished_and_independent():
    cases = [place(source(f"p{i}"), "c", "", 4, 0.25) for i in range(4000)]
    folds = Counter(case.fold for case in cases)
    assert set(folds) == {0, 1, 2, 3}
    for fold in folds:
        members = [case for case in cases if case.fold == fold]
        assert len(members) == pytest.approx(1000, abs=120)
        assert sum(case.split == "test" for case in members) / len(members) == pytest.approx(0.25, abs=0.05)
    assert {place(source(f"p{i}"), "c", "", 4, 0.0).split for i in range(50)} == {"train"}
    assert {place(source(f"p{i}"), "c", "", 4, 1.0).split for i in range(50)} == {"test"}


def test_test_cases_are_held_out_of_every_fold():
    assert place(source("7", split="test"), "c", "", 3, 0).held_out == "all"


@settings(deadline=None, derandomize=True)
@given(names, st.integers(1, 9))
def test_every_case_is_in_one_shard_of_the_wished_size(cases, size):
    found = shards(cases, size)
    assert sorted(name for members in found.values() for name in members) == sorted(cases)
    assert all(1 <= len(members) <= size for members in found.values())
    assert all(members == sorted(members) for members in found.values())


@settings(deadline=None, derandomize=True)
@given(names, st.integers(1, 9))
def test_one_more_case_changes_one_leaf(cases, size):
    before, after = shards(cases, size), shards(cases | {"one-more"}, size)
    if "one-more" in cases:
        return
    gone = [members for key, members in before.items() if after.get(key) != members]
    new = [name for key, members in after.items() if before.get(key) != members for name in members]
    assert len(gone) <= 1
    assert sorted(new) == sorted([*(gone[0] if gone else ()), "one-more"])


def test_shards_do_not_depend_on_the_order():
    cases = [f"c{i}" for i in range(40)]
    assert shards(cases, 6) == shards(reversed(cases), 6)
    assert shards([], 6) == {}
    assert shards(["b", "a"], 6) == {"all": ["a", "b"]}
