"""Every irregularity of real studies, planted alone and in combination: what must come out is known voxel by voxel.

Ambiguous by nature, and so not drawn:
- absent trigger times together with shuffled numbers: nothing tells the order;
- a stray slice at a whole number of steps beyond an end: it is a slice of the stack after a gap;
- an extra slice midway between others in a stack of three: it may as well be the spacing;
- two neighbouring slices missing beside an end: what is left there is an outlying slice;
- a missing first or last slice: there is no trace of it;
- absent trigger times and frames missing, with numbers that were given again afterwards: nothing tells which.
"""

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marked import cine_points, grid_points, values, write_marked
from studies import NORMAL, Shot, X, Y, plane

from lvpipe.cine.conversion import Conversion
from lvpipe.cine.ledger import DIGEST_SHOWN, digest
from lvpipe.config.convert import ConvertSettings
from lvpipe.errors import Rejected
from lvpipe.readers import kaggle

SHAPE, PIXEL_MM = (24, 28), 1.5
LATER = 60  # series of what was scanned after the stack
ROUNDING = 0.501  # of values when they are stored; twice where a slice was interpolated

GEOMETRY = ("turned", "upside_down", "mirrored", "other_matrix", "odd_matrix", "other_spacing", "finer")
FRAMES = ("missing_frames", "shuffled_numbers", "stopped")
EXTRA = ("duplicate", "later_beside", "broken_repeat", "between", "long_axis", "outlying", "stray_end", "tilted")
WHOLE = ("missing_slice", "untimed", "one_folder", "large_matrix")
KINDS = GEOMETRY + FRAMES + EXTRA + WHOLE
SMALL_STACK = ("between", "stray_end", "outlying", "missing_slice", "stopped")

APART = {frozenset(("untimed", "shuffled_numbers")), *(frozenset((kind, "large_matrix")) for kind in SMALL_STACK)}
"""Pairs that no study can have: a large matrix is drawn for a small stack alone, which keeps tests quick."""


@dataclass
class Planted:
    """A study with faults: its shots, and what has to become of them."""

    step_mm: float
    heights: list[float]
    frames: int
    shots: list[Shot]
    shape: tuple[int, int] = SHAPE
    rules: dict[int, str] = field(default_factory=dict)  # by index of shot: the rule in its account
    gone: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)  # what was really planted

    def _repr_pretty_(self, printer, cycle) -> None:
        heights = ", ".join(f"{height:g}" for height in self.heights)
        printer.text(
            f"{', '.join(sorted(self.kinds))}: {self.frames} frames at {heights} mm, {self.rules}, gone {self.gone}"
        )

    def height(self, index: int) -> float:
        return self.heights[index]

    def add(self, shot: Shot, height: float, rule: str = "") -> int:
        """A scan after all others; dropped by this rule."""
        self.shots.append(shot)
        self.heights.append(height)
        index = len(self.shots) - 1
        if rule:
            self.rules[index] = rule
            self.gone.add(index)
        return index

    def after(self, where, **changes) -> Shot:
        series = LATER + len(self.shots)
        whole = replace(self.shots[0], frames=tuple(range(self.frames)), numbers=None)  # whatever its own faults
        return replace(whole, plane=where, series=series, run=f"sax_{series}", **changes)

    def grid(self, height: float):
        return plane(height, shape=self.shape)


def regular(slices: int, frames: int, step_mm: float, shape=SHAPE) -> Planted:
    heights = [step_mm * n for n in range(slices)]
    shots = [
        Shot(plane(height, shape=shape), series=n + 1, run=f"sax_{n + 1}", frames=tuple(range(frames)))
        for n, height in enumerate(heights)
    ]
    return Planted(step_mm, heights, frames, shots, shape)


def plant_geometry(study: Planted, kind: str, index: int) -> None:
    study.kinds.add(kind)
    rows, columns = study.shape
    height = study.height(index)
    where = {
        "turned": plane(height, x=Y, y=-X, shape=(columns, rows)),
        "upside_down": plane(height, x=-X, y=-Y, shape=study.shape),
        "mirrored": plane(height, x=-X, y=Y, shape=study.shape),
        "other_matrix": plane(height, shape=(rows + 4, columns - 4)),
        "odd_matrix": plane(height, shape=(rows + 3, columns + 5)),
        "other_spacing": plane(height, spacing=(1.7, 1.7), shape=study.shape),
        "finer": plane(height, x=Y, y=-X, spacing=(0.75, 0.75), shape=(2 * columns, 2 * rows)),
    }[kind]
    study.shots[index] = replace(study.shots[index], plane=where)
    study.rules[index] = "carry_to_grid"


def plant_frames(study: Planted, kind: str, index: int, draw) -> None:
    study.kinds.add(kind)
    shot = study.shots[index]
    every = list(range(study.frames))
    if kind == "missing_frames":
        kept = sorted(set(every) - set(draw(st.lists(st.sampled_from(every), min_size=1, max_size=2, unique=True))))
        study.lost |= set(every) - set(kept)
        study.rules[index] = "keep_common_frames"
    elif kind == "stopped":
        kept = every[: study.frames // 2]
        study.gone.add(index)
        study.rules[index] = "drop_incomplete"
        study.noted.add("note_gaps")
    else:
        kept = draw(st.permutations(every).filter(lambda order: disordered(order)))
        study.rules[index] = "order_by_trigger_time"
    numbers = tuple(n + 1 for n in kept) if kind != "shuffled_numbers" else None
    study.shots[index] = replace(shot, frames=tuple(kept), numbers=numbers)


def disordered(order) -> bool:
    """More than one frame out of its place: a lone one has a wrong time rather than a wrong number."""
    return all(list(np.delete(order, n)) != sorted(np.delete(order, n)) for n in range(len(order)))


def plant_extra(study: Planted, kind: str, index: int, draw) -> None:
    study.kinds.add(kind)
    step, height, last = study.step_mm, study.height(index), max(study.heights)
    if kind in ("duplicate", "later_beside"):
        beside = 0.0 if kind == "duplicate" else 0.9
        study.rules[index] = "keep_last_acquired"
        study.gone.add(index)
        study.add(study.after(study.grid(height + beside)), height + beside)
    elif kind == "broken_repeat":
        study.add(study.after(study.grid(height), frames=(0, 1)), height, "drop_incomplete")
    elif kind == "between":
        middle = height + step * draw(st.sampled_from((0.4, 0.5, 0.6)))
        study.add(study.after(study.grid(middle)), middle, "drop_between")
    elif kind == "long_axis":
        study.add(study.after(plane(height, x=NORMAL, y=Y, shape=study.shape)), height, "drop_other_planes")
    elif kind == "tilted":
        tilt = np.radians(draw(st.sampled_from((8, 25, 60))))
        across = np.cos(tilt) * X + np.sin(tilt) * NORMAL
        study.add(study.after(plane(height, x=across, y=Y, shape=study.shape)), height, "drop_other_planes")
    elif kind == "outlying":
        far = draw(st.sampled_from((-1, 1))) * draw(st.floats(3 * step, 90))
        far = last + far if far > 0 else far
        study.add(study.after(study.grid(far)), far, "drop_outlying")
    else:
        beyond = step * draw(st.sampled_from((0.5, 1.5)))
        where = draw(st.sampled_from((-beyond, last + beyond)))
        study.add(study.after(study.grid(where)), where, "drop_stray_end")


def plant_whole(study: Planted, kind: str, slices: int, draw) -> None:
    study.kinds.add(kind)
    if kind == "missing_slice":
        index = draw(st.integers(1, slices - 2))
        del study.shots[index], study.heights[index]
        study.noted.add("note_gaps")
    elif kind == "untimed":
        study.shots = [replace(shot, timed=False) for shot in study.shots]
        study.noted |= {"order_by_number", "times_from_cycle"}
    elif kind == "one_folder":
        study.shots = [
            replace(shot, series=1, run="sax_1", first=1 + study.frames * n) for n, shot in enumerate(study.shots)
        ]
        study.noted.add("split_by_position")


def beside_gap(study: Planted, index: int) -> bool:
    return study.height(index + 1) - study.height(index - 1) > 2.5 * study.step_mm


def covering() -> list[set[str]]:
    """Sets of up to three kinds in which every pair comes that can be planted together."""
    wanted = {frozenset(pair) for pair in combinations(KINDS, 2)} - APART
    sets = []
    while wanted:
        chosen = set(min(wanted, key=sorted))
        apart = {kind for kind in KINDS if any({kind, other} in APART for other in chosen)} | {"large_matrix"}
        if "large_matrix" not in chosen:  # three slices hold two faults
            others = [kind for kind in KINDS if kind not in chosen | apart]
            chosen |= {max(others, key=lambda kind: sum({kind, other} in wanted for other in chosen))}
        wanted -= {frozenset(pair) for pair in combinations(chosen, 2)}
        sets.append(chosen)
    return sets


@st.composite
def studies(draw, kinds: set[str]) -> Planted:
    small = "large_matrix" in kinds or (not kinds & set(SMALL_STACK) and draw(st.integers(0, 4)) == 0)
    slices = 3 if small else draw(st.integers(8, 11))
    frames, step_mm = draw(st.integers(5, 7)), draw(st.sampled_from((6.0, 8.0, 10.0)))
    shape = (260, 24) if "large_matrix" in kinds and slices == 3 else SHAPE
    study = regular(slices, frames, step_mm, shape)
    study.kinds |= kinds & {"large_matrix"} if shape != SHAPE else set()
    for kind in sorted(kinds & {"missing_slice"}):
        plant_whole(study, kind, slices, draw)
    stack = range(len(study.shots))
    # A slice that goes has no other fault to be found; extra ones are not beside one that went.
    apart = draw(st.permutations(stack))
    for kind in sorted(kinds & set(GEOMETRY)):
        if len(study.rules) < max(1, len(stack) // 3):
            plant_geometry(study, kind, apart[len(study.rules)])
    for kind in sorted(kinds & {"untimed", "one_folder"}):
        plant_whole(study, kind, slices, draw)
    free = [index for index in apart if index not in study.rules]
    for kind, index in zip(sorted(kinds & set(FRAMES)), free, strict=False):
        inner = [n for n in free if 0 < n < len(stack) - 1 and n not in study.rules and not beside_gap(study, n)]
        plant_frames(study, kind, inner[0] if kind == "stopped" else index, draw)
    for kind in sorted(kinds & set(EXTRA)):
        free = [index for index in apart if index not in study.rules and index < len(stack) - 1]
        if free:
            plant_extra(study, kind, free[0], draw)
    return study


def test_what_was_planted_is_mended_or_dropped_by_its_rule(tmp_path_factory):
    """Every kind, and every pair of kinds that can be, is planted; what finds no free slice does not count."""
    kinds, pairs, wanted = set(), set(), set()

    @settings(deadline=None, max_examples=2, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def planted(data):
        study = data.draw(studies(wanted))
        check(study, tmp_path_factory.mktemp("study"))
        kinds.update(study.kinds)
        pairs.update(frozenset(pair) for pair in combinations(study.kinds, 2))

    for wanted in covering():  # noqa: B007 - `planted` reads it
        planted()
    assert kinds == set(KINDS)
    assert {frozenset(pair) for pair in combinations(KINDS, 2)} - APART - pairs == set()


def check(study: Planted, root) -> None:
    """The cine is that of the regular slices, at their places, and the ledger says what became of each other one."""
    # Two scans of one place are two files: something in them differs.
    paths = write_marked(root, [replace(shot, tags={"StudyID": f"{n}"}) for n, shot in enumerate(study.shots)])
    owner = [index for index, shot in enumerate(study.shots) for _ in shot.frames]
    conversion = Conversion(kaggle.read_study([root]), ConvertSettings())
    cine, _ = conversion.images()
    account = conversion.account()
    shown = [digest(path.read_bytes())[:DIGEST_SHOWN] for path in paths]
    kept = sorted(set(range(len(study.shots))) - study.gone, key=lambda index: study.heights[index])
    frames = sorted(set(range(study.frames)) - study.lost)
    files = {(owner[n], study.shots[owner[n]].frames[n - owner.index(owner[n])]): sha for n, sha in enumerate(shown)}
    assert account["slice_files"] == [[files[index, frame] for frame in frames] for index in kept]
    for z, index in enumerate(kept):
        check_slice(study, cine, account["positions_mm"], z, index, frames)
    check_ledger(study, account, {index: files[index, study.shots[index].frames[0]] for index in set(owner)})


def check_slice(study, cine, positions_mm, z, index, frames) -> None:
    grid = study.grid(study.heights[index])
    where = cine_points(cine, positions_mm, z)
    np.testing.assert_allclose(where, grid_points(grid), atol=0.01)
    there = inside(study.shots[index].plane, where)
    assert there.mean() > 0.5
    exact = grid_points(study.shots[index].plane).reshape(-1, 3)
    copied = np.abs(exact[:, None] - where[there][None, :3]).max(-1).min(0).max() < 0.01
    for t, frame in enumerate(frames):
        away = np.abs(cine.array_tzyx[t, z] - values(grid_points(grid), frame))
        assert away[there].max() < (ROUNDING if copied else 2 * ROUNDING)
        assert not copied or not cine.array_tzyx[t, z][~there].any()


def inside(source, points_mm):
    """Points within the outermost pixel centres of a plane."""
    away = points_mm - np.array(source.origin_mm)
    dy, dx = source.spacing_yx_mm
    x, y = away @ np.array(source.x_axis) / dx, away @ np.array(source.y_axis) / dy
    margin = 0.01 if source.spacing_yx_mm == (PIXEL_MM, PIXEL_MM) else -1.0
    rows, columns = source.shape_yx
    return (x > -margin) & (x < columns - 1 + margin) & (y > -margin) & (y < rows - 1 + margin)


def check_ledger(study, account, first_file) -> None:
    fates = {sha: one for one in account["found"] for sha in one["files"]}
    for index in range(len(study.shots)):
        one = fates[first_file[index]]
        assert (one["fate"] == "dropped") == (index in study.gone), one
        if index in study.rules:
            # Between the stack and an outlying slice, beyond the end is also between.
            either = "drop_between" if study.rules[index] == "drop_stray_end" and "outlying" in study.kinds else ""
            assert {study.rules[index], either} & set(one["rules"]), one
            assert one["position_mm"] is not None
    told = {event["rule"] for event in account["events"]}
    assert study.noted <= told
    expected = {*study.rules.values(), *study.noted}
    allowed = {"keep_common_frames", "uneven_positions", "note_gaps", "carry_to_grid"}
    allowed |= {"drop_between"} if "drop_stray_end" in expected else set()
    assert told <= expected | allowed, "a rule was applied where nothing was planted"


@pytest.mark.parametrize(("slices", "frames"), [(2, 30), (22, 22), (11, 30)])
def test_stacks_of_every_size_pass_as_they_are(tmp_path, slices, frames):
    study = regular(slices, frames, 8.0)
    check(study, tmp_path)


def test_330_files_in_one_folder_are_eleven_slices(tmp_path):
    study = regular(11, 30, 8.0)
    study.shots = [replace(shot, series=1, run="sax_1", first=1 + 30 * n) for n, shot in enumerate(study.shots)]
    study.noted.add("split_by_position")
    check(study, tmp_path)


def test_a_matrix_over_256_is_kept(tmp_path):
    check(regular(3, 4, 10.0, shape=(260, 24)), tmp_path)


@pytest.mark.parametrize(
    "heights", [(0, 34, 70), (0, 8, 16, 27, 35, 43), (0, 5, 10, 15, 20, 25), (0, 13.3, 26.6, 39.9)]
)
def test_stacks_of_special_spacing_are_kept_whole(tmp_path, heights):
    study = regular(len(heights), 5, 8.0)
    study.heights = list(heights)
    study.shots = [replace(shot, plane=study.grid(height)) for shot, height in zip(study.shots, heights, strict=True)]
    study.noted |= {"drop_between"} if heights[3:4] == (27,) else set()  # which says that none is dropped
    check(study, tmp_path)


def test_other_frames_over_the_same_cycle_are_matched_in_time(tmp_path):
    study = regular(7, 30, 8.0)
    times = tuple(30 / 25 * n for n in range(25))
    study.shots[3] = replace(study.shots[3], frames=times)
    files = write_marked(tmp_path, study.shots)
    cine, _ = (conversion := Conversion(kaggle.read_study([tmp_path]), ConvertSettings())).images()
    account = conversion.account()
    assert cine.array_tzyx.shape[:2] == (30, 7)
    shown = [digest(path.read_bytes())[:DIGEST_SHOWN] for path in files[90:115]]
    chosen = [times[shown.index(sha)] for sha in account["slice_files"][3]]
    assert np.abs(np.array(chosen) - np.arange(30)).max() <= 0.6 + 1e-6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda shots: shots[:1], "1 usable slices; expected at least 2"),
        (lambda shots: [replace(shot, plane=plane(0, shape=SHAPE)) for shot in shots], "1 usable slices"),
        (lambda shots: [replace(shot, frames=(0,)) for shot in shots], "1 common frames; expected at least 2"),
        (lambda shots: [replace(s, tags={"PixelSpacing": [0, 0]}) for s in shots], "none of 40 files is readable"),
        (lambda shots: [], "no short-axis images"),
    ],
)
def test_where_nothing_can_be_right_the_study_is_rejected(tmp_path, change, reason):
    (tmp_path / "study").mkdir()
    write_marked(tmp_path, change(regular(8, 5, 8.0).shots))
    with pytest.raises(Rejected, match=reason):
        Conversion(kaggle.read_study([tmp_path]), ConvertSettings()).images()
