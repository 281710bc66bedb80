import pytest

from lvpipe.explain.pending import Job, Pending, Reason
from lvpipe.explain.why import answer

CHANGED = Reason("postprocess.threshold: 0.5 -> 0.6")


def job(rule, *reasons, after=(), command=None, seconds=None):
    return Job(rule, command or rule, reasons, after, seconds)


def test_nothing_to_do_is_said():
    assert answer(Pending((), 7, False)) == ["Nothing to do: all 7 jobs are up to date."]


def test_what_changed_stands_first_and_what_follows_below():
    jobs = [
        job("postprocess", CHANGED, seconds=1.0),
        job("postprocess", CHANGED, seconds=2.0),
        job("integrate", after=("postprocess",), seconds=3.0),
        job("calibrate", after=("integrate", "postprocess"), seconds=4.0),
    ]
    assert answer(Pending(tuple(jobs), 9, False)) == [
        "4 of 9 jobs would run; they took 10 s together the last time.",
        "",
        "postprocess.threshold: 0.5 -> 0.6",
        "    postprocess   2 jobs",
        "",
        "These follow:",
        "    integrate   1 job   because postprocess runs",
        "    calibrate   1 job   because integrate runs",
    ]


def test_rules_with_the_same_reason_stand_below_it_once():
    lines = answer(Pending((job("score", CHANGED), job("report", CHANGED)), 2, False))
    assert lines[2:] == ["postprocess.threshold: 0.5 -> 0.6", "    score    1 job", "    report   1 job"]


def test_files_in_which_jobs_differ_are_examples():
    jobs = [job("integrate", Reason("an input changed", f"{case}_mask")) for case in "abcd"]
    assert answer(Pending(tuple(jobs), 9, False))[2] == "an input changed: a_mask, b_mask and 2 more"


def test_a_job_with_a_reason_of_its_own_is_not_said_to_follow():
    after = ("postprocess",)
    jobs = (job("postprocess", CHANGED), job("integrate", CHANGED, after=after), job("integrate", after=after))
    lines = answer(Pending(jobs, 9, False))
    assert "    integrate     1 job" in lines
    assert "    integrate   1 job   because postprocess runs" in lines


def test_shards_are_one_rule():
    jobs = [job(f"segment_{fold}_{shard}", CHANGED, command="segment") for fold, shard in ("00", "01", "10")]
    assert "    segment_*   3 jobs" in answer(Pending(tuple(jobs), 9, False))


def test_a_locked_folder_is_said():
    assert "locked" in answer(Pending((), 7, True))[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--directory", "nowhere"], "lvpipe why: --directory nowhere: no such folder"),
        (["--configfiel", "x"], "lvpipe why: unrecognized arguments: --configfiel; expected targets and options"),
        (["--forceall"], "lvpipe why: --forceall runs everything"),
    ],
)
def test_what_cannot_be_answered_is_one_line(lvpipe, capsys, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    assert lvpipe("why", *words) == 1
    error = capsys.readouterr().err
    assert error.startswith(told)
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
