import subprocess
import sys

import pytest

from lvpipe.cases import SourceCase
from lvpipe.config.phantom import PhantomCohort
from lvpipe.phantom.names import cases_up_to, find_case, list_cases, list_sheets

KAGGLE = PhantomCohort(layout="kaggle", cases={"test": 1, "train": 2, "validate": 1})
SUNNYBROOK = PhantomCohort(layout="sunnybrook", cases={"all": 2})


def test_study_numbers_run_through_the_splits():
    listed = [(case.name, case.split, case.sources) for case in list_cases("k", KAGGLE)]
    assert listed == [
        ("1", "train", ("train/1",)),
        ("2", "train", ("train/2",)),
        ("3", "validate", ("validate/3",)),
        ("4", "test", ("test/4",)),
    ]


def test_sunnybrook_patients_name_their_contours():
    sources = ("SCD_IMAGES/SCD9000201", "SCD_ManualContours/SC-PH-0002")
    assert list_cases("s", SUNNYBROOK)[1] == SourceCase("SCD9000201", "SC-PH-2", "", sources)


def test_cohorts_that_begin_elsewhere_are_of_other_patients():
    assert [case.name for case in list_cases("k", KAGGLE.model_copy(update={"first": 41}))] == ["41", "42", "43", "44"]
    later = SUNNYBROOK.model_copy(update={"first": 3})
    assert [case.patient for case in list_cases("s", later)] == ["SC-PH-3", "SC-PH-4"]
    assert cases_up_to(later, "SCD9000301") == {"all": 1}


def test_sheets_follow_the_splits():
    assert list_sheets(KAGGLE) == ["train.csv", "validate.csv", "test.csv"]
    assert list_sheets(SUNNYBROOK) == ["scd_patientdata.csv"]


def test_find_case_knows_its_cases():
    assert find_case("k", KAGGLE, "3").split == "validate"
    with pytest.raises(KeyError):
        find_case("k", KAGGLE, "5")


def test_a_case_depends_on_those_before_it_only():
    assert cases_up_to(KAGGLE, "3") == {"train": 2, "validate": 1}
    assert cases_up_to(SUNNYBROOK, "SCD9000101") == {"all": 1}


def test_listing_imports_no_numbers_and_no_settings():
    code = "import sys, lvpipe.phantom.names; sys.exit(bool({'numpy', 'pydantic', 'pydicom'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
