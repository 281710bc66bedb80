from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.persistence.file import FilePersistence

from lvpipe.record_names import output_of, record_path


@pytest.mark.parametrize("output", ["results/crps.csv", "results/ä?>.csv", "results/" + "long/" * 90 + "file"])
def test_names_are_snakemakes_and_can_be_read_back(tmp_path, output):
    theirs = FilePersistence._record_path(SimpleNamespace(_fetch_max_len=lambda folder: 255), str(tmp_path), output)
    assert record_path(tmp_path, output) == Path(theirs)
    assert record_path(tmp_path / "not_there_yet", output).relative_to(tmp_path / "not_there_yet") == Path(
        theirs
    ).relative_to(tmp_path)
    assert output_of(Path(theirs).relative_to(tmp_path)) == output


@pytest.mark.parametrize("name", ["migration_underway", "abc", "_-8="])
def test_what_is_no_record_keeps_its_name(name):
    assert output_of(Path(name)) == name
