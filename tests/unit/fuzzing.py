"""Damaged studies through `convert`, and what must hold of whatever comes out."""

import resource
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from marked import Mark, cine_points, inner, told_points, values, write_marked
from mutations import FILES, HEAVY, MEANING, TREES
from studies import CENTRE, NORMAL, plane, stack

from lvpipe.cine.conversion import Conversion
from lvpipe.cine.ledger import DIGEST_SHOWN, digest
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected
from lvpipe.images import Image
from lvpipe.readers import kaggle

HEIGHTS_MM, FRAMES = (0.0, 8.0, 16.0, 24.0), 6
SHAPE_YX = (32, 32)
LONGEST_S = 10.0
MOST_MB = 1024.0
PROCESS_MB = 150.0
"""What `convert` takes before it opens a file: a test's process holds much else already, so its growth is judged."""

ADDRESSES = 4 << 30
FARTHEST_MM = 1.0
VALUE_TOLERANCE = 8.0
"""Of a content's value against where it says that it is from: less than what a tenth of a millimetre makes."""

HEADERS = {"RescaleSlope": 1, "RescaleIntercept": 0, "NumberOfFrames": 1, "AcquisitionNumber": 1, "HeartRate": 60}
HEADERS |= {"RepetitionTime": 50, "NominalInterval": 1000}

PLAUSIBLE = {"ImageOrientationPatient extreme"}
"""Kinds of which some values are as good as any: where all files agree on one, nothing tells it from the truth."""

UNPLACED = "place_by_slice_location"
"""The rule after which a cine does not claim to know where in the patient it is."""


class Hang(BaseException):
    """Not an Exception: a parser's net for damaged files must not catch it."""


@dataclass
class Verdict:
    """What became of one damaged study; `faults` is what must not be."""

    kind: str
    outcome: str = ""
    reason: str = ""
    mutated: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    faults: list[str] = field(default_factory=list)


class Fuzz:
    """A study in a folder that is damaged, converted, judged and mended, again and again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shots = stack(HEIGHTS_MM, frames=tuple(range(FRAMES)), tags=HEADERS)
        shots = [
            replace(shot, plane=plane(height, shape=SHAPE_YX)) for shot, height in zip(shots, HEIGHTS_MM, strict=True)
        ]
        self.files = write_marked(root, shots)
        marks = [Mark(height, frame) for height in HEIGHTS_MM for frame in range(FRAMES)]
        self.intact = {path: path.read_bytes() for path in self.files}
        self.marks = dict(zip(self.files, marks, strict=True))
        self.by_content = {digest(data): self.marks[path] for path, data in self.intact.items()}

    def attack(self, kind: str, seed: int) -> Verdict:
        """Damage the study in one way, convert it, judge what came, and put everything back."""
        rng = Random(f"{kind} {seed}")
        try:
            mutated = self.damage(kind, rng)
            verdict = self._judged(Verdict(kind, mutated=len(mutated) or 1), mutated)
        finally:
            self.mend()
        return verdict

    def damage(self, kind: str, rng: Random) -> list[Path]:
        """Change one to four files, all of one slice, or all of the study; return those that were changed."""
        if kind in TREES:
            return TREES[kind](self.files, rng)
        if kind in HEAVY:
            return self._heavy(kind, rng)
        if kind == "mixed":
            return [
                path
                for kind in rng.sample(sorted(FILES), 3)
                for path in self._changed(kind, rng, rng.sample(self.files, 1))
            ]
        return self._changed(kind, rng, self._scope(kind, rng))

    def mend(self) -> None:
        """The study as it was."""
        for path in (self.root / "study").rglob("*"):
            if path.is_dir() and path not in {file.parent for file in self.files}:
                path.rmdir()
            elif not path.is_dir() and (path not in self.intact or not path.is_file() or path.is_symlink()):
                path.unlink()
        for path, data in self.intact.items():
            if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
                path.write_bytes(data)

    def _scope(self, kind: str, rng: Random) -> list[Path]:
        luck = rng.random()
        if luck < 0.7:
            return rng.sample(self.files, rng.choice((1, 1, 2, 3, 4)))
        if luck < 0.9 or kind in PLAUSIBLE:
            first = rng.randrange(len(HEIGHTS_MM)) * FRAMES
            return self.files[first : first + FRAMES]
        return self.files

    def _changed(self, kind: str, rng: Random, files: list[Path]) -> list[Path]:
        """The same change in all where it is many: a scanner or an export that is wrong is wrong throughout."""
        same = f"{rng.random()}"
        for path in files:
            path.write_bytes(FILES[kind](path.read_bytes(), Random(same) if len(files) >= FRAMES else rng))
        return files

    def _heavy(self, kind: str, rng: Random) -> list[Path]:
        operation: Any = HEAVY[kind]
        if kind != "a deflate bomb":
            return list(operation(self.files, rng))
        path = rng.choice(self.files)
        path.write_bytes(operation(path.read_bytes(), rng))
        return [path]

    def _judged(self, verdict: Verdict, mutated: list[Path]) -> Verdict:
        _reset_peak()
        resident_mb = _peak_mb()
        started = time.perf_counter()
        conversion: Conversion | None = None
        try:
            with _alarm(LONGEST_S), _bounded(ADDRESSES):
                conversion = Conversion(kaggle.read_study([self.root]), ConvertSettings())
                cine, _ = conversion.images()
            account = conversion.account()
            judge = Judge(
                self._identities(mutated), self._here(), self._meaningful(verdict.kind, mutated), cine, account
            )
            verdict.faults += judge.faults()
            verdict.outcome = "told" if account["events"] else "unchanged"
            del cine, judge
        except Rejected as error:
            verdict.outcome, verdict.reason = "rejected", str(error)
        except Hang:
            verdict.faults.append(f"hangs: over {LONGEST_S:.0f} s")
        except Exception as error:
            verdict.faults.append(f"raises {type(error).__name__}: {error}"[:200])
        verdict.seconds = time.perf_counter() - started
        verdict.peak_mb = _peak_mb()
        if verdict.peak_mb - resident_mb > MOST_MB - PROCESS_MB:
            verdict.faults.append(f"memory: {verdict.peak_mb - resident_mb:.0f} MB")
        return verdict

    def _identities(self, mutated: list[Path]) -> dict[str, Mark]:
        """Which image each file was, by the hash of what it is now."""
        now = {digest(path.read_bytes()): self.marks[path] for path in mutated if path in self.marks and _plain(path)}
        # Intact content keeps its identity wherever it stands; only a changed content is known by its place.
        return now | self.by_content

    def _here(self) -> set[str]:
        """Hashes of all files that can be read."""
        return {digest(path.read_bytes()) for path in (self.root / "study").rglob("*.dcm") if _plain(path)}

    def _meaningful(self, kind: str, mutated: list[Path]) -> set[str]:
        """Hashes of the files whose values still tell where they are from."""
        kept = set(self.by_content)
        if kind not in MEANING and kind != "mixed":
            kept |= {digest(path.read_bytes()) for path in mutated if _plain(path)}
        return {sha[:DIGEST_SHOWN] for sha in kept}


class Judge:
    """Compares a cine and its ledger with what the study was before it was damaged."""

    def __init__(
        self, marks: dict[str, Mark], here: set[str], meaningful: set[str], cine: Image, account: dict[str, Any]
    ) -> None:
        self.marks = {sha[:DIGEST_SHOWN]: mark for sha, mark in marks.items()}
        self.here = {sha[:DIGEST_SHOWN] for sha in here}
        self.meaningful, self.cine, self.account = meaningful, cine, account
        self.events: list[dict[str, Any]] = account["events"]
        self.rules = {event["rule"] for event in self.events}

    def faults(self) -> list[str]:
        """All that is wrong, in words."""
        found = [*self._values(), *self._times(), *self._order(), *self._gone()]
        if UNPLACED not in self.rules:
            found += self._places()
        return found

    def _values(self) -> Iterator[str]:
        if not np.isfinite(self.cine.array_tzyx).all():
            yield "voxels that are no numbers"
        if not np.isfinite(self.cine.affine).all() or abs(np.linalg.det(self.cine.affine)) < 1e-6:
            yield "an affine that is no map"

    def _times(self) -> Iterator[str]:
        times = np.array(self.account["times_ms"])
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any() or not 0 < self.cine.time_step_ms < 1000:
            yield f"times that are none: {times.tolist()}"

    def _order(self) -> Iterator[str]:
        """Every slice has the same frames in the same order, unless the ledger says what it went by."""
        ordered = [[self.marks[sha].frame for sha in files] for files in self.account["slice_files"]]
        if any(row != sorted(row) or row != ordered[0] for row in ordered) and not self.events:
            yield f"frames in silence in this order: {ordered}"

    def _gone(self) -> Iterator[str]:
        """An image that is not in the cine is told: its file, its slice, or its frame in all slices."""
        files = {sha for row in self.account["slice_files"] for sha in row}
        for sha in set(self.here) - files - self._accounted():
            yield f"a file gone without an entry ({self.marks[sha]})"
        kept = {self.marks[sha] for sha in files}
        for frame in set(range(FRAMES)) - {mark.frame for mark in kept}:
            if not self.rules & {"keep_common_frames", "drop_unreadable"}:
                yield f"frame {frame} gone without an entry"
        for height in set(HEIGHTS_MM) - {mark.height_mm for mark in kept}:
            if not self.rules - {"note_gaps", "keep_common_frames"}:
                yield f"slice at {height:g} mm gone without an entry"

    def _accounted(self) -> set[str]:
        """The files that the ledger names as left out."""
        told = " ".join(event["what"] for event in self.events if event["rule"] == "drop_unreadable")
        left_out = {row["file"] for one in self.account["found"] for row in one["left_out"]}
        dropped = {sha for one in self.account["found"] if one["fate"] == "dropped" for sha in one["files"]}
        return left_out | dropped | {sha for sha in self.here if sha in told}

    def _places(self) -> Iterator[str]:
        for z, files in enumerate(self.account["slice_files"]):
            claimed = cine_points(self.cine, self.account["positions_mm"], z)
            marks = [self.marks[sha] for sha in files]
            heights = {mark.height_mm for mark in marks}
            if len(heights) > 1:
                yield f"one slice of images from {sorted(heights)} mm"
                continue
            for fault in self._slice_places(
                z, claimed, [(t, m) for t, m in enumerate(marks) if files[t] in self.meaningful]
            ):
                yield fault
                break

    def _slice_places(self, z: int, claimed: Any, sure: list[tuple[int, Mark]]) -> Iterator[str]:
        height_mm = self.marks[self.account["slice_files"][z][0]].height_mm
        off_mm = np.abs(-(claimed - CENTRE) @ NORMAL - height_mm).max()
        if not off_mm <= FARTHEST_MM:
            yield f"a slice {off_mm:.3g} mm off along the axis"
        even = next(((t, mark) for t, mark in sure if mark.frame % 2 == 0), None)
        odd = next(((t, mark) for t, mark in sure if mark.frame % 2), None)
        if even is None or odd is None:
            return
        images = [self.cine.array_tzyx[t, z].astype(np.float64) for t, _ in (even, odd)]
        there = inner(images[0]) & inner(images[1])
        if not there.any():
            yield "a slice without content"
            return
        told = told_points((even[1], images[0]), (odd[1], images[1]))
        away_mm = np.linalg.norm((told - claimed)[there], axis=1).max()
        if not away_mm <= FARTHEST_MM:
            yield f"content {away_mm:.3g} mm from where it is"
        for t, mark in sure:
            image = self.cine.array_tzyx[t, z].astype(np.float64)
            if np.median(np.abs(image - values(told, mark.frame))[there]) > VALUE_TOLERANCE:
                yield f"frame {mark.frame} has the values of another"


def kinds() -> list[str]:
    """All light kinds, and their mixture."""
    return [*FILES, *TREES, "mixed"]


def tabulated(verdicts: list[Verdict]) -> list[str]:
    """A Markdown table: what became of the studies that were damaged in each way."""
    rows: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        rows[verdict.kind].append(verdict)
    lines = [
        "| kind | studies | files | unchanged | with entries | rejected | faults |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for kind, found in [*sorted(rows.items()), ("**all**", verdicts)]:
        counts = [sum(v.outcome == outcome for v in found) for outcome in ("unchanged", "told", "rejected")]
        cells = [len(found), sum(v.mutated for v in found), *counts, sum(bool(v.faults) for v in found)]
        lines.append(f"| {kind} | " + " | ".join(map(str, cells)) + " |")
    return lines


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 27


@contextmanager
def _bounded(more: int) -> Iterator[None]:
    """What would take the whole machine ends in an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _reset_peak() -> None:
    """Linux forgets a process's highest memory when told to."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024
