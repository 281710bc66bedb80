"""`lvpipe trace`: the chain from a number back to the DICOM files, each link checked on the way."""

import argparse
import difflib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.explain.chain import Place, Step, complaints, hash_file, owner, read_cases, walk
from lvpipe.explain.contents import describe, read_ledger
from lvpipe.explain.params import flatten, parse
from lvpipe.explain.records import Records
from lvpipe.explain.sources import Sources, read_sources
from lvpipe.explain.words import count, some_of, tell
from lvpipe.ledger import DIGEST_SHOWN

_FILES_SHOWN = 3
"""Source files that are named unless all are asked for."""
_WIDTH = 110
"""Columns after which settings go on in the next line."""
_STAGES_OF_MODELS = ("train", "integrate", "calibrate")
"""Folders of results/ that hold one folder for each model."""


def main(argv: Sequence[str]) -> None:
    """Print the chain of one case."""
    args = _parser().parse_args(argv)
    records = Records(args.directory)
    if not records.exist:
        raise UserError(f"{args.directory}: nothing was run here; expected a run's folder: give --directory")
    target = _named(args.target, args.directory)
    cases = read_cases(args.directory)
    case = _case(args.case, target, cases)
    if records.read(target) is None:
        there = "was made by no rule" if (args.directory / target).exists() else "is not there"
        raise UserError(f"{target} {there}; expected a result of this run, such as results/crps.csv")
    place = Place(args.directory, case, tuple(cases), _other_models(args.directory, args.model))
    tell(report(walk(records, target, place), place, cases.get(case, {}), args.files))


def report(steps: Sequence[Step], place: Place, row: Mapping[str, str], all_files: bool) -> Iterator[str]:
    """The whole answer: who it is, the chain, and what does not agree."""
    yield f"case {place.case}: " + ", ".join(f"{key} {row[key]}" for key in ("cohort", "split", "fold") if row.get(key))
    if row.get("status", "ok") != "ok":
        yield f"{row['status']}: {row['reason']}"
    wrong: list[str] = []
    told: set[tuple[str, ...]] = set()
    for step in steps:
        sha256 = hash_file(place.path(step.file))
        found = list(complaints(step, place, sha256))
        yield from ["", f"{step.file}   {(sha256 or '')[:DIGEST_SHOWN]}".rstrip()]
        yield from _indented([*_origin(step, told), *describe(place.path(step.file), place.case)])
        ledger = read_ledger(place.path(step.file))
        if ledger is not None and step.record is not None:
            sources = read_sources([place.path(source) for source in step.record.inputs], ledger)
            found += list(sources.differences())
            yield from _indented(_listing(sources, place.folder, all_files))
        yield from _indented(f"! {line}" for line in found)
        wrong += found
    yield from ["", *_verdict(wrong)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lvpipe trace", description=__doc__, allow_abbrev=False)
    parser.add_argument("target", help="any result, such as results/crps.csv")
    parser.add_argument("case", nargs="?", help="may be left out where the result is one case's")
    parser.add_argument("--directory", type=Path, default=Path(), help="where the run lies (here)")
    parser.add_argument("--model", help="follow this model alone")
    parser.add_argument("--files", action="store_true", help="list every source file with its hash")
    return parser


def _named(target: str, folder: Path) -> str:
    """The target as the rules name it: relative to the run's folder."""
    path = Path(target)
    return os.path.relpath(path, folder.resolve()) if path.is_absolute() else os.path.normpath(path)


def _case(asked: str | None, target: str, cases: Mapping[str, object]) -> str:
    case = asked or owner(target, tuple(cases))
    if case is None:
        raise UserError(f"{target} is about many cases: name one of {_some(list(cases))}")
    if cases and case not in cases:
        near = difflib.get_close_matches(case, list(cases), n=3, cutoff=0.5) or list(cases)
        raise UserError(f"case {case} is not in this run; expected one like {_some(near)}")
    whose = owner(target, tuple(cases))
    if whose not in (None, case):
        raise UserError(f"{target} is of case {whose}, not of {case}")
    return case


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _other_models(folder: Path, asked: str | None) -> frozenset[str]:
    folders = (folder / "results" / stage for stage in _STAGES_OF_MODELS)
    models = {entry.name for each in folders if each.is_dir() for entry in each.iterdir() if entry.is_dir()}
    if asked is not None and asked not in models:
        raise UserError(f"model {asked} is not in this run; expected one of {', '.join(sorted(models))}")
    return frozenset(models - {asked}) if asked else frozenset()


def _origin(step: Step, told: set[tuple[str, ...]]) -> Iterator[str]:
    """The rule, its settings unless they were told before, and what of its inputs is not followed."""
    use = f"read for {some_of([Path(reader.file).name for reader in step.readers])}" if step.readers else ""
    yield ", ".join(filter(None, [f"made by {step.record.rule}" if step.record else "", use]))
    settings = tuple(_settings(step.record.params)) if step.record else ()
    yield from ["settings as above"] if settings in told else settings
    if settings:
        told.add(settings)
    if step.others:
        yield f"and from {count(len(step.others), 'file')} of other cases, not followed"


def _settings(params: Sequence[str]) -> Iterator[str]:
    for value in map(parse, params):
        if isinstance(value, dict):
            yield from textwrap.wrap("  ".join(f"{key}={_shown(part)}" for key, part in flatten(value).items()), _WIDTH)


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).replace(" ", "")


def _listing(sources: Sources, folder: Path, all_files: bool) -> Iterator[str]:
    state = "agrees with the ledger" if sources.agree else "does not agree with the ledger"
    yield f"source: {count(len(sources.digests), 'file')}, combined SHA-256 {sources.combined[:DIGEST_SHOWN]}: {state}"
    shown = list(sources.digests.items())[: None if all_files else _FILES_SHOWN]
    for path, sha256 in shown:
        yield f"  {sha256 if all_files else sha256[:DIGEST_SHOWN]}  {os.path.relpath(path, folder)}"
    if len(shown) < len(sources.digests):
        yield f"  and {len(sources.digests) - len(shown)} more (--files lists all)"


def _indented(lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _verdict(wrong: Sequence[str]) -> Iterator[str]:
    if not wrong:
        yield "Everything agrees: each file is the one that the next was made from, back to the source files."
        return
    yield f"{count(len(wrong), 'thing')} {'does' if len(wrong) == 1 else 'do'} not agree:"
    yield from _indented(wrong)
