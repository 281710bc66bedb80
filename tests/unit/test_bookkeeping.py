import json

import pytest

from lvpipe.bookkeeping import main
from lvpipe.record_names import record_path

WHOLE = json.dumps({"rule": "score", "record_format_version": 6})


@pytest.fixture
def record(tmp_path):
    def write(output, content):
        path = record_path(tmp_path / ".snakemake" / "metadata", output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("content", [b"", WHOLE[:20].encode(), b"\xff\xfe", b"\0" * 50, b"[1]", b"{}"])
def test_a_record_that_was_cut_off_makes_its_output_incomplete(tmp_path, record, capsys, content):
    whole, broken = record("results/a.csv", WHOLE.encode()), record("results/b.csv", content)
    main(["--configfile", "x.yaml", "--directory", str(tmp_path)])
    assert capsys.readouterr().out == "lvpipe: the record of results/b.csv was cut off; it is made again\n"
    assert whole.read_text() == WHOLE
    assert not broken.exists()
    assert [path.name for path in (tmp_path / ".snakemake" / "incomplete").iterdir()] == [broken.name]


def test_whole_records_are_left_alone(tmp_path, record, capsys):
    record("results/a.csv", WHOLE.encode())
    main(["--directory", str(tmp_path)])
    main(["--directory", str(tmp_path / "empty")])
    assert capsys.readouterr().out == ""
    assert not (tmp_path / ".snakemake" / "incomplete").exists()


def test_a_long_name_keeps_its_folders(tmp_path, record):
    path = record("results/" + "a" * 300, b"{")
    assert path.parent.name.startswith("@")
    main(["-d", str(tmp_path)])
    mark = tmp_path / ".snakemake" / "incomplete" / path.parent.name / path.name
    assert mark.is_file()
