"""`lvpipe trace`: the chain from a number back to the DICOM files, each link checked on the way."""

import argparse
import difflib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lvpipe.cases import held_out
from lvpipe.cine.ledger import DIGEST_SHOWN
from lvpipe.errors import UserError
from lvpipe.explain.chain import CASE_SHEET, Place, Step, complaints, hash_file, hashes_kept, owner, read_cases, walk
from lvpipe.explain.contents import describe, describe_choice, read_ledger
from lvpipe.explain.models import other_models
from lvpipe.explain.params import flatten, parse
from lvpipe.explain.records import Records
from lvpipe.explain.sources import Sources, read_sources
from lvpipe.explain.words import count, some_of, tell

_FILES_SHOWN = 3
"""Source files that are named unless all are asked for."""
_WIDTH = 110
"""Columns after which settings go on in the next line."""
_RULE_OF_GIVEN = "integrate_given"
"""The rule that reads estimates as a source brought them."""
_CHOICES = "choices.json"
"""What a model's drawn cases choose for `postprocess`."""


def main(argv: Sequence[str]) -> None:
    """Print the chain of one case."""
    args = _parser().parse_args(argv)
    records = Records(args.directory)
    if not records.exist:
        raise UserError(f"{args.directory}: nothing was run here; expected a run's folder: give --directory")
    target = _named(args.target, args.directory)
    if records.read(target) is None:
        there = "was made by no rule" if (args.directory / target).exists() else "is not there"
        raise UserError(f"{target} {there}; expected a result of this run, such as results/crps.csv")
    cases = read_cases(args.directory)
    case = _case(args.case, target, cases)
    others = other_models(args.directory, args.model, case, records)
    place = Place(args.directory, case, tuple(cases), others)
    tell(report(walk(records, target, place), place, cases.get(case, {}), args.files))


@dataclass
class Findings:
    """How the chain was compared, link by link, and what does not agree."""

    by_hash: int = 0
    by_time: int = 0
    ledgers: int = 0
    tables: int = 0
    """Files that a source brought and that a job read as they are."""
    folders: int = 0
    """Folders that a source brought and whose files no ledger knows: nothing tells whether they changed."""
    wrong: list[str] = field(default_factory=list)


def report(steps: Sequence[Step], place: Place, row: Mapping[str, str], all_files: bool) -> Iterator[str]:
    """The whole answer: who it is, the chain, how it was compared, and what does not agree."""
    yield f"case {place.case}: " + ", ".join(f"{key} {row[key]}" for key in ("cohort", "split", "fold") if row.get(key))
    if row.get("status", "ok") != "ok":
        yield f"{row['status']}: {row['reason']}"
    if row.get("volumes_left_out"):
        yield f"its reference volumes are left out: {row['volumes_left_out']}"
    findings = Findings()
    told: set[tuple[str, ...]] = set()
    for step in steps:
        sha256 = hash_file(place.path(step.file))
        wrong = list(complaints(step, place, sha256))
        yield from ["", f"{step.file}   {(sha256 or '')[:DIGEST_SHOWN]}".rstrip()]
        lines = [*_origin(step, told), *_chosen(step, place, row), *describe(place.path(step.file), place.case)]
        lines += [*_links(step, place, findings), *_sources(step, place, all_files, findings, wrong)]
        lines += _brought(step, place, findings)
        yield from _indented([*lines, *(f"! {line}" for line in wrong)])
        findings.wrong += wrong
    yield from ["", *(_verdict(findings) if len(steps) > 1 else _nothing_followed(steps[0], place.case, findings))]


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
    if case is None and not cases:
        raise UserError(f"{target}: there is no case sheet yet ({CASE_SHEET}) that says whose it is; name the case")
    if case is None:
        raise UserError(f"{target} is about many cases: name one of {some_of(list(cases))}")
    if cases and case not in cases:
        near = difflib.get_close_matches(case, list(cases), n=3, cutoff=0.5) or list(cases)
        raise UserError(f"case {case} is not in this run; expected one like {some_of(near)}")
    whose = owner(target, tuple(cases))
    if whose not in (None, case):
        raise UserError(f"{target} is of case {whose}, not of {case}")
    return case


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


def _chosen(step: Step, place: Place, row: Mapping[str, str]) -> Iterator[str]:
    """What cross-validation put in place of the settings that the record has."""
    choices = [source for source in step.record.inputs if Path(source).name == _CHOICES] if step.record else []
    if row.get("split"):
        for source in choices:
            yield from describe_choice(place.path(source), held_out(row["split"], int(row["fold"])))


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).replace(" ", "")


def _links(step: Step, place: Place, findings: Findings) -> Iterator[str]:
    """Count the links; a file is told whose changes could go unnoticed."""
    kept = hashes_kept(step, place)
    findings.by_hash += kept.count(True)
    findings.by_time += kept.count(False)
    if False in kept:
        yield "compared by its time alone"


def _sources(step: Step, place: Place, all_files: bool, findings: Findings, wrong: list[str]) -> Iterator[str]:
    """The source files of a ledger, hashed again; nothing for any other file."""
    ledger = read_ledger(place.path(step.file))
    if ledger is None or step.record is None:
        return
    gone = [source for source in step.record.inputs if not place.path(source).exists()]
    if gone:
        yield "source: not compared with the ledger"
        wrong += [f"{source} is gone" for source in gone]
        return
    sources = read_sources([place.path(source) for source in step.record.inputs], ledger)
    findings.ledgers += 1
    wrong += sources.differences()
    yield from _listing(sources, place.folder, all_files)


def _brought(step: Step, place: Place, findings: Findings) -> Iterator[str]:
    """What a source brought that needed no conversion: a table is compared as any file, a folder's files are not."""
    if not any(reader.record is not None and reader.record.rule == _RULE_OF_GIVEN for reader in step.readers):
        return
    if place.path(step.file).is_dir():
        findings.folders += 1
        yield "a folder: its files are not compared, no ledger has their hashes"
    else:
        findings.tables += 1


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


def _verdict(findings: Findings) -> Iterator[str]:
    yield from _comparison(findings)
    if findings.wrong:
        yield from _disagreement(findings)
    elif findings.folders:
        yield "Everything compared agrees; the files in the source's folder could not be compared."
    elif findings.ledgers or findings.tables:
        yield "Everything compared agrees, back to the source files."
    else:
        yield "Everything compared agrees; no source files were reached."


def _comparison(findings: Findings) -> Iterator[str]:
    """What agreement rests on: a hash sees every change, a time only those that moved it."""
    parts = [f"{count(findings.by_hash, 'link')} by hash", f"{findings.by_time} by time alone"]
    yield f"Compared: {', '.join(parts)}" + (", the source files with the ledger." if findings.ledgers else ".")
    if findings.by_time:
        yield "By time alone: Snakemake keeps no hash of files above 1 MB; a change that kept the time is not seen."


def _nothing_followed(target: Step, case: str, findings: Findings) -> Iterator[str]:
    if target.others:
        yield f"No input of this file concerns case {case}: nothing was followed, and nothing compared."
    else:
        yield "This file was made from no other: nothing was followed, and nothing compared."
    if findings.wrong:
        yield from _disagreement(findings)


def _disagreement(findings: Findings) -> Iterator[str]:
    wrong = list(dict.fromkeys(findings.wrong))  # a source that is gone is missed by its ledger too
    yield f"{count(len(wrong), 'thing')} {'does' if len(wrong) == 1 else 'do'} not agree:"
    yield from _indented(wrong)
