import pytest

from lvpipe.cases import Labels, SourceCase
from lvpipe.errors import UserError
from lvpipe.readers import kaggle


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_cases_come_in_the_order_of_their_numbers(tmp_path):
    touch(tmp_path, "train/10/study/x", "train/9/study/x", "validate/501/study/x", "train/notes.txt", "train/old/x")
    assert kaggle.list_cases(tmp_path) == [
        SourceCase("9", "9", "train", ("train/9",)),
        SourceCase("10", "10", "train", ("train/10",)),
        SourceCase("501", "501", "validate", ("validate/501",)),
    ]
    assert kaggle.list_cases(tmp_path / "train" / "9") == []


def test_volumes_with_blank_cells_and_a_byte_order_mark(tmp_path):
    (tmp_path / "train.csv").write_text("\ufeffId,Systole,Diastole\n1,108.3,246.7\n2,, 99\n")
    (tmp_path / "test.csv").write_text("Id,Systole,Diastole\n701,,\n")
    assert kaggle.read_labels(tmp_path) == {"1": Labels(246.7, 108.3), "2": Labels(99.0, None), "701": Labels()}


def test_archives_that_were_unpacked_into_a_folder_of_their_own(tmp_path):
    touch(tmp_path, "train/train/2/study/x", "validate/validate/501/study/x")
    assert [case.sources for case in kaggle.list_cases(tmp_path)] == [("train/train/2",), ("validate/validate/501",)]


def test_volumes_with_a_row_each(tmp_path):
    (tmp_path / "solution.csv").write_text(
        "Id,Volume\n701_Diastole,200.5\n701_Systole,90\n702_Diastole,\n703_Diastole,0\n"
    )
    assert kaggle.read_labels(tmp_path) == {
        "701": Labels(200.5, 90.0),
        "702": Labels(),
        "703": Labels(left_out="EDV 0 mL: expected 2 to 599 mL"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Id,Systole\n1,2\n", "no column Diastole; expected"),
        ("Id,Systole,Diastole\n1,2,x\n", "line 2, column Diastole: 'x'; expected a number"),
        ("Id,Volume\n701_Systole,1\n701_ESV,1\n", "line 3, column Id: '701_ESV'; expected a study and its volume"),
    ],
)
def test_a_broken_sheet_says_where(tmp_path, text, message):
    (tmp_path / "train.csv").write_text(text)
    for read in (kaggle.read_labels, kaggle.list_cases):
        with pytest.raises(UserError, match=message):
            read(tmp_path)


def test_only_short_axis_images_are_read(tmp_path):
    touch(
        tmp_path,
        *("study/sax_10/IM-0456-0002.dcm", "study/sax_9/IM-12345-0001-0003.dcm", "study/sax_9/IM-12345-0001-0001.dcm"),
        *("study/2ch_1/IM-0001-0001.dcm", "study/sax_9/.snakemake_timestamp", "study/sax_x/IM-0001-0001.dcm"),
    )
    study = kaggle.read_study([tmp_path])
    assert [(image.run, image.acquired, image.number) for image in study.images] == [
        ("sax_9", (12345, 0), 1),
        ("sax_9", (12345, 1), 1),
        ("sax_10", (456, 0), 2),
    ]
    assert study.slice_per_run
    assert study.images[0].path.name.endswith("0001-0001.dcm")


def test_a_study_without_images_is_empty(tmp_path):
    assert kaggle.read_study([tmp_path / "nowhere"]).images == ()


def test_a_sheet_that_is_no_text_is_named(tmp_path):
    (tmp_path / "train.csv").write_bytes(b"Id,Systole,Diastole\n1,5\xb5,9\n")
    with pytest.raises(UserError, match=r"train\.csv: byte 23 is not UTF-8 text; .*mend the file if it is yours"):
        kaggle.read_labels(tmp_path)
