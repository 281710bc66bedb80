import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvpipe.cases import SourceCase, canonical_patient, number, place, safe_name, shards

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


@pytest.mark.parametrize("name", ["7", "SC-HF-I-01", "patient001", "a.b-c", "x" * 80])
def test_a_name_that_is_safe_stays(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("scan 1", "scan-1-"),
        ("../../etc/passwd", "etc-passwd-"),
        (".hidden", "hidden-"),
        ("-rf", "rf-"),
        ("a\n", "a-"),
        ("Müller_Jörg", "Muller-Jorg-"),
        ("心臓", ""),
        ("", ""),
        ("y" * 300, "y" * 40 + "-"),
    ],
)
def test_a_name_that_is_not_keeps_what_is_readable_and_gets_a_hash(name, readable):
    found = safe_name(name)
    assert re.fullmatch(re.escape(readable) + "[0-9a-f]{6}", found)
    assert safe_name(found) == found


@settings(deadline=None, derandomize=True)
@given(st.sets(st.text(min_size=0, max_size=12), min_size=2, max_size=40))
def test_no_two_names_become_one_and_each_can_stand_in_a_path(names):
    found = [safe_name(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,79}", name) for name in found)


def test_one_patient_has_one_name_in_all_releases_of_a_source():
    assert canonical_patient("SC-HF-I-01") == canonical_patient("SC-HF-I-1") == "SC-HF-I-1"
    assert [canonical_patient(name) for name in ("SC-N-40", "SCD0000101", "SC-N-0")] == [
        "SC-N-40",
        "SCD0000101",
        "SC-N-0",
    ]


def test_what_holds_for_one_case_alone_goes_with_it():
    made = place(SourceCase("7", "7", "", ("many.mat",), {"subject": 6}), "c", "", 3, 0)
    assert made.options == {"subject": 6}
