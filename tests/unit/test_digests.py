"""Short digests tell apart what differs."""

from lvpipe.digests import digest, file_digest


def test_parts_are_kept_apart():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab") != digest("a", "b")
    assert digest("a", "") != digest("a")
    assert digest("ä") == digest("ä".encode())
    assert len(digest()) == 16


def test_a_file_is_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    (tmp_path / "b").write_bytes(b"y")
    assert file_digest(tmp_path / "a") != file_digest(tmp_path / "b")
