from hashlib import sha256

import pytest

from lvpipe.cine.ledger import combined_digest
from lvpipe.explain.sources import read_sources


@pytest.fixture
def study(tmp_path):
    """A study of two slices of three files, with its ledger."""
    kept = []
    for run in (1, 2):
        folder = tmp_path / "1" / "study" / f"sax_{run}"
        folder.mkdir(parents=True)
        for frame in (1, 2, 3):
            (folder / f"IM-0000{run}-000{frame}.dcm").write_text(f"{run} {frame}")
        kept.append([path.read_bytes() for path in sorted(folder.iterdir())])
    digests = [[sha256(content).hexdigest() for content in one] for one in kept]
    files = {"count": 6, "sha256": combined_digest(text for one in digests for text in one)}
    slices = [[text[:16] for text in one] for one in digests]
    return tmp_path / "1", {"reader": "kaggle", "files": files, "slice_files": slices}


def test_untouched_sources_agree(study):
    sources = read_sources([study[0]], study[1])
    assert sources.agree
    assert list(sources.differences()) == []


def test_one_changed_byte_is_found_with_its_file(study):
    path = study[0] / "study" / "sax_2" / "IM-00002-0003.dcm"
    path.write_text("2 4")
    differences = list(read_sources([study[0]], study[1]).differences())
    assert differences[0] == "the source files do not agree with the ledger: 6 then, 6 now"
    assert differences[1].startswith(f"slice 1: {path} changed: SHA-256 {study[1]['slice_files'][1][2]}... then")
    assert len(differences) == 2


def test_files_that_are_gone_are_counted_by_slice(study):
    for frame in (1, 2):
        (study[0] / "study" / "sax_1" / f"IM-00001-000{frame}.dcm").unlink()
    differences = list(read_sources([study[0]], study[1]).differences())
    assert differences[0].endswith("6 then, 4 now")
    assert differences[1].startswith("slice 0: 2 of 3 files are gone or changed (")


def test_a_file_more_leaves_the_cine_as_it_was(study):
    (study[0] / "study" / "sax_2" / "IM-00002-0009.dcm").write_text("more")
    differences = list(read_sources([study[0]], study[1]).differences())
    assert differences[0].endswith("6 then, 7 now")
    assert differences[1].startswith("the files of the cine are as they were")
    assert len(differences) == 2


def test_an_empty_source_is_one_line_and_not_one_a_slice(study, tmp_path):
    differences = list(read_sources([tmp_path / "nowhere"], study[1]).differences())
    assert differences == ["the source files do not agree with the ledger: 6 then, 0 now"]
