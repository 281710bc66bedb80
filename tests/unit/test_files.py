from pathlib import Path

import numpy as np
import pytest

from lvpipe.errors import UserError
from lvpipe.files import (
    read_json,
    read_table,
    replacing,
    replacing_folder,
    write_bytes,
    write_json,
    write_table,
    write_text,
)
from lvpipe.upkeep import sweep


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def fail(scratch):
        scratch.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError

    with pytest.raises(RuntimeError), replacing(path) as scratch:
        fail(scratch)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_whose_rows_end_in_an_error_is_not_written(tmp_path):
    with pytest.raises(KeyError):
        write_table(tmp_path / "t.csv", ["a", "b"], [{"a": 1, "b": 2}, {"a": 1}])
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_and_files_are_for_everyone_to_read(tmp_path):
    path = tmp_path / "a" / "b" / "c.bin"
    write_bytes(path, b"\0\1")
    assert path.read_bytes() == b"\0\1"
    assert path.stat().st_mode & 0o777 == 0o644


def test_equal_json_has_equal_bytes(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1, "a": [1, 2]})
    write_json(tmp_path / "b.json", {"a": [1, 2], "x": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_json(tmp_path / "a.json") == {"a": [1, 2], "x": 1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "c.json", float("nan"))


def test_a_rejected_cases_files_read_as_nothing(tmp_path):
    write_bytes(tmp_path / "empty", b"")
    assert read_json(tmp_path / "empty") is None
    assert read_table(tmp_path / "empty") == []


def test_cells(tmp_path):
    row = {"none": None, "nan": float("nan"), "tenth": 0.1 + 0.2, "text": 'a, "b"', "number": np.int64(3), "more": 1}
    columns = ["tenth", "none", "nan", "text", "number"]
    write_table(tmp_path / "t.csv", columns, [row])
    assert (tmp_path / "t.csv").read_bytes() == b'tenth,none,nan,text,number\n0.3,,,"a, ""b""",3\n'
    assert read_table(tmp_path / "t.csv") == [{"tenth": "0.3", "none": "", "nan": "", "text": 'a, "b"', "number": "3"}]


def test_a_write_that_fails_names_the_file_and_not_its_scratch_file(tmp_path):
    path = tmp_path / "t.csv"
    with pytest.raises(OSError, match="No space left") as caught, replacing(path):
        Path("/dev/full").write_text("x")  # always full
    assert caught.value.filename == str(path)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as caught:
        write_text(tmp_path / "file" / "below" / "t.csv", "")
    assert caught.value.filename == str(tmp_path / "file" / "below" / "t.csv")


def test_an_input_that_is_missing_keeps_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "out"):
        (tmp_path / "in").read_bytes()
    assert caught.value.filename == str(tmp_path / "in")


BROKEN = {
    "cut JSON": (read_json, b'{"a": [1,\n 2', ", line 2: not JSON"),
    "JSON of another encoding": (read_json, b'"\xff"', "byte 1 is not UTF-8 text"),
    "table of another encoding": (read_table, b"a,b\n\xff,2\n", "byte 4 is not UTF-8 text"),
    "cut table": (read_table, b"a,b\n1,2\n3", ", line 3: not as many cells"),
    "a comma too many": (read_table, b"a,b\n1,2,3\n", ", line 2: not as many cells"),
    "binary table": (read_table, b"a,b\n" + 200_000 * b"x", "not a CSV table"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_the_place(tmp_path, kind):
    read, content, told = BROKEN[kind]
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)
    assert "delete it and run again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_appears_whole_in_the_place_of_the_old_one(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "old").touch()
    with replacing_folder(tmp_path / "study") as scratch:
        (scratch / "new").touch()
        assert (tmp_path / "study" / "old").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["study", "new"]


def test_a_folder_whose_unfinished_files_were_deleted_does_not_appear(tmp_path):
    study = tmp_path / "results" / "study"

    def write(scratch):
        (scratch / "first").touch()
        sweep(tmp_path)
        (scratch / "second").mkdir(parents=True)  # as a writer does that makes its folders as it goes

    with pytest.raises(UserError, match="deleted meanwhile"), replacing_folder(study) as scratch:
        write(scratch)
    assert not study.exists()
