import os

from lvpipe.listing import walk
from lvpipe.provenance import folder_fingerprint


def test_every_file_once_whatever_links_do(tmp_path):
    root = tmp_path / "root"
    (root / "b" / "c").mkdir(parents=True)
    for name in ("b/c/2", "b/1", "a", ".hidden"):
        (root / name).touch()
    (root / "b" / "up").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "gone").symlink_to(root / "nowhere")
    (root / "z").symlink_to(root / "b")
    os.mkfifo(root / "pipe")
    assert [entry.path for entry in walk(root)] == [str(root / name) for name in ("a", "b/1", "b/c/2")]
    assert list(walk(root / "nowhere")) == []


def test_a_fingerprint_is_had_of_any_folder(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    first = folder_fingerprint([tmp_path])
    (tmp_path / "a").touch()
    assert folder_fingerprint([tmp_path]) != first
