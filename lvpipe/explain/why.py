"""`lvpipe why`: what would run again, and what has changed that makes it so."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lvpipe.explain.pending import Job, Pending, find_pending
from lvpipe.explain.words import columns, count, some_of, tell

_USAGE = """\
usage: lvpipe why [TARGETS] [any of snakemake's options, such as --configfile, --config, --directory]

What `snakemake` with the same words would run, and why; runs nothing and changes nothing."""
_RULES_NAMED = 2
"""Rules of one command that are named; more are shards, known by what their names begin with."""


@dataclass
class Block:
    """Rules that run for the same reasons, with their jobs, and the files in which these differ."""

    jobs: dict[str, list[Job]] = field(default_factory=lambda: defaultdict(list))
    examples: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))


def main(argv: Sequence[str]) -> None:
    """Print the reasons; the words are targets and options of snakemake."""
    if "--help" in argv or "-h" in argv:
        print(_USAGE)
        return
    tell(answer(find_pending(argv)))


def answer(pending: Pending) -> list[str]:
    """The whole answer, line by line: what changed with what runs for it, then what follows."""
    lines = (
        ["The folder is locked: a run is going on, or was killed (`make resume` goes on)."] if pending.locked else []
    )
    if not pending.jobs:
        return [*lines, f"Nothing to do: all {count(pending.all_jobs, 'job')} are up to date."]
    names = _names(pending.jobs)
    lines += [f"{len(pending.jobs)} of {count(pending.all_jobs, 'job')} would run{_cost(pending.jobs)}.", ""]
    for reasons, block in _blocks(pending.jobs, names).items():
        lines += [_heading(reason, list(block.examples[reason])) for reason in reasons]
        lines += [*_table(block.jobs), ""]
    return [*lines, *_followers(pending.jobs, names)] if any(not job.reasons for job in pending.jobs) else lines[:-1]


def _names(jobs: Sequence[Job]) -> dict[str, str]:
    """How each rule is called: shards and cohorts of one command by what they share."""
    families: dict[str, dict[str, None]] = defaultdict(dict)
    for job in jobs:
        families[job.command].setdefault(job.rule)
    return {rule: _family_name(list(rules)) for rules in families.values() for rule in rules}


def _family_name(rules: Sequence[str]) -> str:
    if len(rules) <= _RULES_NAMED:
        return ", ".join(rules)
    return os.path.commonprefix(list(rules)).rstrip("0123456789") + "*"  # noqa: RUF071 - names of rules, not paths


def _blocks(jobs: Sequence[Job], names: Mapping[str, str]) -> dict[tuple[str, ...], Block]:
    """The jobs that have reasons of their own, in the order of the pipeline."""
    blocks: dict[tuple[str, ...], Block] = defaultdict(Block)
    for job in jobs:
        texts = tuple(dict.fromkeys(reason.text for reason in job.reasons))
        if texts:
            blocks[texts].jobs[names[job.rule]].append(job)
        for reason in job.reasons:
            if reason.example:
                blocks[texts].examples[reason.text].setdefault(reason.example)
    return blocks


def _heading(reason: str, examples: Sequence[str]) -> str:
    return f"{reason}: {some_of(examples)}" if examples else reason


def _table(jobs: Mapping[str, Sequence[Job]]) -> list[str]:
    return columns([(name, count(len(some), "job")) for name, some in jobs.items()], indent="    ")


def _followers(jobs: Sequence[Job], names: Mapping[str, str]) -> Iterator[str]:
    """The jobs that run only because earlier ones do, one line a rule."""
    found: dict[str, list[Job]] = defaultdict(list)
    before: dict[str, set[str]] = defaultdict(set)
    for job in jobs:
        before[names[job.rule]] |= {names[rule] for rule in job.after}
        if not job.reasons:
            found[names[job.rule]].append(job)
    yield "These follow:"
    rows = [(name, count(len(some), "job"), f"because {_causes(name, before)}") for name, some in found.items()]
    yield from columns(rows, indent="    ")


def _causes(name: str, before: Mapping[str, set[str]]) -> str:
    """The nearest rules that it waits for; those that come before one of them are left out."""
    earlier = before[name] - {name}
    nearest = sorted(
        rule for rule in earlier if not any(rule in _upstream(other, before) for other in earlier - {rule})
    )
    return f"{some_of(nearest)} run" + ("s" if len(nearest) == 1 and not nearest[0].endswith("*") else "")


def _upstream(name: str, before: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = before.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _cost(jobs: Sequence[Job]) -> str:
    known = [job.seconds for job in jobs if job.seconds is not None]
    if not known:
        return ""
    total = sum(known)
    shown = f"{total:.0f} s" if total < 120 else f"{total / 60:.0f} min" if total < 7200 else f"{total / 3600:.1f} h"
    return f"; {'they' if len(known) == len(jobs) else f'{len(known)} of them'} took {shown} together the last time"
