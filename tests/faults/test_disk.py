"""A disk that is full and a disk that is read-only: one clear line, nothing lost, and success once it is mended."""

import time

TOLD_AT_ONCE_S = 30  # a run starts in about 4 s; what is refused must not be refused after work


def check_nothing_half_written(folder, reference):
    """Whatever stands under a final name has the bytes of the run that nothing disturbed."""
    assert folder.results.items() <= reference.results.items()


def check_refusal(answer, *words):
    """Snakemake's own lines aside, only ours: each one line, none a traceback of lvpipe's."""
    assert answer.code != 0, answer.text[-3000:]
    assert answer.told, answer.text[-3000:]
    assert 'lvpipe/__main__.py"' not in answer.text, answer.text[-3000:]
    assert all(any(word in line for line in answer.told) for word in words), answer.told


def check_success(answer, folder, reference):
    assert answer.code == 0, answer.text[-5000:]
    assert folder.results == reference.results
    assert "Nothing to be done" in folder.dry_run().text


def test_a_run_whose_disk_fills_up_says_so_and_goes_on_once_there_is_room(make_disk, reference, tmp_path):
    disk = make_disk(tmp_path / "disk", "42m")  # of 70 MB that the run makes
    folder = type(reference)(disk.place, reference.overlay)
    answer = folder.make("run")
    check_refusal(answer, "no space left on its disk; make room there, then `make resume`", "results/")
    check_nothing_half_written(folder, reference)
    assert 10 < len(folder.results) < len(reference.results)
    disk.remount("size=200m")
    check_success(folder.make("resume"), folder, reference)


def test_results_on_a_full_disk_of_their_own_keep_what_is_finished(make_disk, reference, beside, tmp_path):
    disk = make_disk(tmp_path / "run" / "results", "200m")
    folder = beside(tmp_path / "run")
    before = folder.results
    ballast = disk.place.parent / "results" / "convert" / "ballast"
    fill(ballast)
    answer = folder.make("run")
    ballast.unlink()
    check_refusal(answer, "no space left on its disk")
    check_nothing_half_written(folder, reference)
    assert before.items() <= folder.results.items()
    check_success(folder.make("resume"), folder, reference)
    assert not list((folder.path / ".spool").rglob("*.gz"))


def test_read_only_results_are_refused_before_any_work(make_disk, reference, beside, tmp_path):
    disk = make_disk(tmp_path / "run" / "results", "200m")
    folder = beside(tmp_path / "run")
    before = folder.results
    disk.remount("ro")
    started = time.monotonic()
    answer = folder.make("run")
    assert time.monotonic() - started < TOLD_AT_ONCE_S
    check_refusal(answer, "results cannot be written to (a read-only file system", "nothing was done")
    assert len(answer.told) == 1
    assert "segment" in folder.dry_run().text
    disk.remount("rw")
    assert folder.results == before
    check_success(folder.make("resume"), folder, reference)


def test_a_read_only_folder_is_refused_in_one_line_even_by_a_dry_run(make_disk, reference, beside, tmp_path):
    disk = make_disk(tmp_path / "run", "200m")
    folder = beside(tmp_path / "run")
    before = folder.results
    disk.remount("ro")
    asked, answer = folder.dry_run(), folder.make("run")
    disk.remount("rw")
    for told in (asked, answer):
        check_refusal(told, ".snakemake cannot be written to (a read-only file system", "even in a dry run")
        assert len(told.told) == 1
        assert "Traceback" not in told.text
    assert folder.results == before
    check_success(folder.make("resume"), folder, reference)


def test_an_empty_read_only_folder_is_refused_in_one_line(make_disk, reference, tmp_path):
    disk = make_disk(tmp_path / "run", "1m")
    disk.remount("ro")
    answer = type(reference)(disk.place, reference.overlay).make("run")
    check_refusal(answer, f"{disk.place} cannot be written to")
    assert "Traceback" not in answer.text


def fill(ballast):
    """Take all the room that is left."""
    with ballast.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(2**16))
        except OSError:
            pass
