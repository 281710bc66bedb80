"""Kill a run at random moments, resume it, and compare every file with a run that nobody disturbed.

The whole process group gets SIGKILL; the resuming command is `make resume`. After each kill nothing half-written may
stand under a final name; at the end every file under results/ has the bytes of the reference run.
"""

import argparse
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from evidence import contents, finished, incomplete, records, scratch, torn_folders, wrong_files
from processes import POLL_S, ROOT, Run, Stage

PIPELINE = (
    *("phantom", "convert", "resample", "detect", "train", "train", "train"),
    *("segment", "postprocess", "integrate", "calibrate", "score", "report page", "snakemake"),
)
"""What is hit, in the order of the pipeline: every stage, training thrice; `snakemake` is the moment after a job."""

KEPT = ("train", "segment", "snakemake")
"""What fewer kills than stages hit first: jobs that keep something for the next attempt, and the bookkeeping."""

USUAL_SHARES = (0.05, 0.8)
"""When to kill, in shares of the usual time of a stage's job; later ones are over on a machine that has less to do."""

SHARES = {"train": (0.3, 0.6), "segment": (0.4, 0.9)}
"""Late enough for something to be kept; thrice on the same training, which is shorter each time that it goes on."""

RARE = ("train", "segment", "calibrate", "score", "report page")
"""Stages with one or two jobs: the first is hit."""

ASKED_S = 1.0
"""How often to look which planned stages still have jobs to do."""

PASSES = 4
"""Run folders at most: what a pass could not hit, for its jobs were over too soon, is tried in the next."""

BOOKKEEPING_S = 0.06
"""How long after a job Snakemake writes down that it is done, at most: measured at 0.04 s a job."""

COLUMNS = ("no", "stage", "at s", "alive at the kill", "held", "what the resumed run did", "outcome")


@dataclass
class Kill:
    """One row of the table."""

    number: int
    planned: str
    at_s: float
    alive: list[Stage]
    held: str
    trusted: dict[str, int]
    checkpoints: dict[str, bool]
    spooled: dict[str, set[int]]
    when: float
    did: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def hit(self) -> bool:
        return self.planned == "snakemake" or any(_is(stage, self.planned) for stage in self.alive)

    def cells(self) -> tuple[str, ...]:
        alive = ", ".join(f"{stage.word} {stage.subject}" for stage in self.alive) or "between jobs"
        outcome = "; ".join(self.faults) or ("ok" if self.hit else "ok, stage missed: tried again")
        return (str(self.number), self.planned, f"{self.at_s:.2f}", alive, self.held, "; ".join(self.did), outcome)


class Harness:
    """One chain of kills in one folder after another, until every planned kill has hit its stage."""

    def __init__(self, reference: Path, scratch_folder: Path, seed: int, cores: int) -> None:
        self.reference = reference
        self.home = scratch_folder
        self.cores = cores
        self.random = random.Random(seed)
        self.expected = contents(reference / "results")
        self.records = records(reference)
        self.usual_s = _durations(self.records)
        self.kills: list[Kill] = []
        self.faults: list[str] = []
        self.kept: set[str] = set()

    def run(self, planned: list[str]) -> None:
        for number in range(1, PASSES + 1):
            folder = self.home / f"pass-{number}"
            planned = self._chain(folder, planned)
            self._check_end(folder)
            if not planned:
                return
        self.faults.append(f"never hit in {PASSES} runs: {', '.join(planned)}")

    def _chain(self, folder: Path, planned: list[str]) -> list[str]:
        """Kill and resume in one folder until the run is complete; return what could not be hit."""
        folder.mkdir()
        waiting, target = list(planned), "run"
        while True:
            run = Run(target, folder, self.home / "make.log", self.cores)
            try:
                kill = self._strike(run, waiting, folder) if waiting else None
                if kill is None:
                    self._finish(run, folder)
                    return waiting
            finally:
                run.end()
            self._check(kill, run, folder)
            if kill.hit:
                waiting.remove(kill.planned)
            target = "resume"

    def _strike(self, run: Run, waiting: list[str], folder: Path) -> Kill | None:
        """Wait for a planned moment and kill; None if the run ends before one comes."""
        moment = self._wait(run, waiting, folder)
        if moment is None:
            return None
        planned, at_s = moment
        alive = run.kill()
        self._resumed(folder)
        kill = Kill(
            number=len(self.kills) + 1,
            planned=planned,
            at_s=at_s,
            alive=alive,
            held=_held(folder, alive),
            trusted=finished(folder),
            checkpoints={s.option("--model"): _has_checkpoint(folder, s) for s in alive if s.word == "train"},
            spooled={s.option("--spool"): _spooled(folder, s) for s in alive if s.word == "segment"},
            when=time.time(),
        )
        self.kills.append(kill)
        print(f"kill {kill.number}: {' | '.join(kill.cells()[1:5])}", flush=True)
        return kill

    def _wait(self, run: Run, waiting: list[str], folder: Path) -> tuple[str, float] | None:
        """Which stage to kill, and how many seconds into its process: now. A process that ends too soon is let go."""
        tried: set[int] = set()
        skip = self.random.randrange(2)  # not always the first job
        planned, asked = self._next(waiting, folder), time.monotonic()
        while not run.over():
            if time.monotonic() - asked > ASKED_S:  # its jobs may have come and gone unseen
                planned, asked = self._next(waiting, folder), time.monotonic()
            stages = [stage for stage in run.stages() if stage.pid not in tried and _is(stage, planned)]
            if not stages:
                time.sleep(POLL_S)
                continue
            tried.add(stages[0].pid)
            at_s = self._wait_in(run, stages[0], planned) if planned in RARE or len(tried) > skip else None
            if at_s is not None:
                return planned, at_s
        return None

    def _next(self, waiting: list[str], folder: Path) -> str:
        """The first of the planned stages that still has jobs to do in this folder."""
        done = finished(folder)
        left = {_word(record) for name, record in self.records.items() if name not in done}
        return next((planned for planned in waiting if planned == "snakemake" or planned in left), waiting[0])

    def _wait_in(self, run: Run, stage: Stage, planned: str) -> float | None:
        if planned == "snakemake":
            return self._wait_after(run, stage)
        moment_s = self.random.uniform(*SHARES.get(planned, USUAL_SHARES)) * self.usual_s[planned]
        while stage.age_s < moment_s:
            if not run.is_alive(stage):
                return None
            time.sleep(POLL_S)
        return stage.age_s

    def _wait_after(self, run: Run, stage: Stage) -> float:
        """Until Snakemake, a job having ended, writes down that it is done."""
        while run.is_alive(stage):
            time.sleep(POLL_S / 10)
        age_s = stage.age_s
        time.sleep(self.random.uniform(0, BOOKKEEPING_S))
        return age_s

    def _check(self, kill: Kill, run: Run, folder: Path) -> None:
        """What must hold after a kill, before anybody resumes."""
        self._note(kill, "processes survive", run.survivors())
        self._note(kill, "not the reference's bytes", wrong_files(folder, self.expected))
        self._note(kill, "half a folder", torn_folders(folder, self.reference))
        self._note(kill, "a checkpoint was lost", self.lost(kill, folder))

    def lost(self, kill: Kill, folder: Path) -> list[str]:
        """Trainings that had a checkpoint at an earlier kill and now have neither it nor a model."""
        lost = []
        for stage in (stage for stage in kill.alive if stage.word == "train"):
            name = str(folder / stage.option("--model"))
            if _has_checkpoint(folder, stage):
                self.kept.add(name)
            elif _has_written(folder, stage):
                self.kept.discard(name)  # what is made again after this starts anew
            elif name in self.kept:
                lost.append(name)
        return lost

    def _note(self, kill: Kill | None, what: str, found: list[str]) -> None:
        if found:
            fault = f"{what}: {', '.join(found[:3])}{' ...' if len(found) > 3 else ''}"
            (kill.faults if kill else self.faults).append(fault)
            print(f"FAULT: {fault}", flush=True)

    def _resumed(self, folder: Path) -> None:
        """What the run that was just stopped or has ended did about the kill before it."""
        if not self.kills or self.kills[-1].did:
            return
        kill, log = self.kills[-1], (self.home / "make.log").read_text()
        planned = re.findall(r"^total +(\d+)$", log, re.MULTILINE)
        if not planned:
            kill.did.append("was killed before its first job")
            return
        kill.did.append(f"{planned[-1]} jobs left")
        now = finished(folder) | dict.fromkeys(incomplete(folder), 0)
        again = [name for name, time_ns in kill.trusted.items() if now.get(name, time_ns) != time_ns]
        self._note(kill, "finished and done again", again)
        for model, kept in kill.checkpoints.items():
            self._went_on(kill, folder, model, kept)
        for spool, inodes in kill.spooled.items():
            there = {path.stat().st_ino for path in (folder / "results" / "segment").rglob("*.gz")}
            there |= _inodes(folder / spool)
            kill.did.append(f"{len(inodes & there)} of {len(inodes)} spooled cases kept")
            self._note(kill, "spooled cases lost", [spool] if inodes - there else [])

    def _went_on(self, kill: Kill, folder: Path, model: str, kept: bool) -> None:
        """A training that had a checkpoint goes on from it, in the run that comes after its kill."""
        fold = Path(model).parent
        log = folder / "logs" / fold.relative_to("results").with_suffix(".log")
        text = log.read_text() if log.exists() and log.stat().st_mtime > kill.when else ""
        if found := re.search(r"going on after epoch \d+ of \d+", text):
            kill.did.append(f"{fold.name}: {found[0]}")
        elif re.search(r"^epoch \d", text, re.MULTILINE):
            kill.did.append(f"{fold.name}: from the start")
            self._note(kill, "a checkpoint was not used", [model] if kept else [])
        else:
            kill.did.append(f"{fold.name}: not reached")

    def _finish(self, run: Run, folder: Path) -> None:
        """Let the run end."""
        while not run.over():
            time.sleep(POLL_S)
        self._resumed(folder)
        if run.code:
            log = (self.home / "make.log").read_text()
            print(log[-5000:])
            self._note(None, "the resumed run failed", log.splitlines()[-3:])

    def _check_end(self, folder: Path) -> None:
        """What must hold when a run that was killed again and again is complete."""
        missing = sorted(self.expected.keys() - contents(folder / "results").keys())
        self._note(None, "missing at the end", missing)
        self._note(None, "other bytes at the end", wrong_files(folder, self.expected))
        self._note(None, "never swept", scratch(folder))
        self._note(None, "left in the spool", [str(path) for path in _files(folder / ".spool")])
        self._note(None, "no record", sorted(records(self.reference).keys() - records(folder).keys()))
        self._note(None, "held for incomplete", sorted(incomplete(folder)))
        self._note(None, "something left to do", _left_to_do(folder))


def _is(stage: Stage, planned: str) -> bool:
    words = planned.split()
    return planned == "snakemake" or list(stage.words[: len(words)]) == words


def _held(folder: Path, alive: list[Stage]) -> str:
    """What a kill left for the next attempt to use."""
    training = [stage for stage in alive if stage.word == "train"]
    parts = [f"{stage.subject}: a checkpoint" for stage in training if _has_checkpoint(folder, stage)]
    parts += [f"{stage.subject}: a model that no record speaks of" for stage in training if _has_written(folder, stage)]
    parts += [f"{len(_spooled(folder, stage))} spooled" for stage in alive if stage.word == "segment"]
    unfinished = len(scratch(folder))
    return ", ".join(parts + ([f"{unfinished} scratch"] if unfinished else [])) or "-"


def _has_checkpoint(folder: Path, stage: Stage) -> bool:
    spool = stage.option("--spool")
    return bool(spool) and any(path.name == "checkpoint" for path in _files(folder / spool))


def _has_written(folder: Path, stage: Stage) -> bool:
    """Whether a training is over and its process about to end: it has nothing to go on from any more."""
    return (folder / stage.option("--model")).exists()


def _spooled(folder: Path, stage: Stage) -> set[int]:
    return _inodes(folder / stage.option("--spool"))


def _inodes(spool: Path) -> set[int]:
    return {path.stat().st_ino for path in _files(spool) if not path.name.startswith(".")}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _durations(found: dict[str, dict[str, object]]) -> dict[str, float]:
    """The usual time of a stage's job, from what Snakemake wrote down about the reference run."""
    times: dict[str, list[float]] = {}
    for record in found.values():
        times.setdefault(_word(record), []).append(float(str(record["endtime"])) - float(str(record["starttime"])))
    return {word: median(seconds) for word, seconds in times.items()}


def _word(record: dict[str, object]) -> str:
    """The planned stage that a job belongs to."""
    rule = str(record["rule"])
    return {"report": "report page", "train_curve": "report curve"}.get(rule, rule.split("_")[0])


def _left_to_do(folder: Path) -> list[str]:
    words = ["-n", "--quiet", "rules", "--directory", str(folder), "--configfile", str(ROOT / "recipes" / "tiny.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    text = done.stdout + done.stderr
    return [] if "Nothing to be done" in text else text.splitlines()[-20:]


def plan_kills(kills: int, chance: random.Random) -> list[str]:
    """Every stage where there are kills enough; the rest at random, all in the order of the pipeline."""
    chosen = list(range(len(PIPELINE)))
    if kills < len(PIPELINE):
        first = [PIPELINE.index(word) for word in KEPT][:kills]
        others = [index for index in chosen if index not in first]
        chosen = sorted(first + chance.sample(others, kills - len(first)))
    chosen = sorted(chosen + chance.choices(range(len(PIPELINE)), k=max(0, kills - len(PIPELINE))))
    planned = [PIPELINE[index] for index in chosen]
    while "snakemake" in planned[len(planned) // 2 :] and len(planned) > 1:  # its moments are everywhere
        planned.remove("snakemake")
        planned.insert(chance.randrange(len(planned) // 2), "snakemake")
    return planned


def render(kills: list[Kill]) -> str:
    """The table as Markdown."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(kill.cells() for kill in kills)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def make_reference(folder: Path, log: Path, cores: int) -> None:
    """The run that nobody disturbs."""
    folder.mkdir()
    run = Run("run", folder, log, cores)
    try:
        while not run.over():
            time.sleep(POLL_S)
    finally:
        run.end()
    if run.code:
        sys.exit(f"the reference run failed:\n{log.read_text()[-5000:]}")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # `timeout` ends it: leave no process and no folder
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=len(PIPELINE))
    parser.add_argument("--seed", type=int, default=1, help="kills and their moments follow from it")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--reference", type=Path, help="a finished run of recipes/tiny.yaml; saves a minute")
    parser.add_argument("--out", type=Path, help="write the table here too")
    args = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="lvpipe-kill-"))
    started = time.monotonic()
    try:
        reference = args.reference.resolve() if args.reference else home / "reference"
        if not args.reference:
            make_reference(reference, home / "make.log", args.cores)
        harness = Harness(reference, home, args.seed, args.cores)
        harness.run(plan_kills(args.kills, harness.random))
        table = render(harness.kills)
        faults = [f"kill {kill.number}: {fault}" for kill in harness.kills for fault in kill.faults] + harness.faults
        closing = f"{len(harness.kills)} kills, {len(harness.expected)} files compared, {len(faults)} faults, "
        closing += f"{time.monotonic() - started:.0f} s\n"
        print(f"\n{table}\n{closing}", "\n".join(faults), sep="")
        if args.out:
            args.out.write_text(f"{table}\n{closing}")
        return 1 if faults else 0
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())
