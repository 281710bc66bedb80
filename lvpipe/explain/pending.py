"""What a run would do now and for which reasons: Snakemake's own plan, read without running anything.

Reads attributes of Snakemake that it does not promise to keep (the pin below version 10 and the workflow tests hold
them in place). Its own list of reasons ends at the first job of a chain; here every job is compared with its record.
"""

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvpipe.errors import UserError
from lvpipe.explain.params import SOURCE_CHANGED, differences, stage_of
from lvpipe.explain.records import Records


@dataclass(frozen=True)
class Reason:
    """Why a job would run: the same words for all jobs that it concerns, and the file in which they differ."""

    text: str
    example: str = ""


@dataclass(frozen=True)
class Job:
    """A job that would run. Rules with one `command` are one rule for the reader (a shard each, a cohort each)."""

    rule: str
    command: str
    reasons: tuple[Reason, ...]
    after: tuple[str, ...]
    seconds: float | None
    """How long it took the last time; None for a job that never ended."""


@dataclass(frozen=True)
class Pending:
    """The jobs that would run in the order of the pipeline, the number of all, and whether the folder is locked."""

    jobs: tuple[Job, ...]
    all_jobs: int
    locked: bool


def find_pending(words: Sequence[str]) -> Pending:
    """Ask Snakemake what it would do with these targets and options of its own.

    Raises:
        UserError: the options, the Snakefile or the targets are wrong; Snakemake has said so on stderr.
        SystemExit: as the Snakefile ends on a mistake in the configuration.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import OutputSettings, Quietness

    args = _parse(words)
    quiet = OutputSettings(dryrun=True, quiet={Quietness.ALL}, log_level_override=logging.ERROR)
    with SnakemakeApi(quiet) as api:
        try:
            return _ask(api, args)
        except Exception as error:
            api.print_exception(error)
            raise UserError("Snakemake cannot plan this run: see above") from error


def _parse(words: Sequence[str]) -> Any:
    from snakemake.cli import parse_args

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):  # it names its profiles there, which is no answer to the question
            args = parse_args(list(words))[1]
    except SystemExit as stop:
        if not stop.code:
            raise  # --version
        mistake = said.getvalue().rpartition("error: ")[2].strip()  # before it, all 150 options
        raise UserError(f"{mistake}; expected targets and options of snakemake") from None
    if args.directory is not None and not Path(args.directory).is_dir():
        raise UserError(f"--directory {args.directory}: no such folder; expected the folder of a run")
    if args.forceall:
        raise UserError("--forceall runs everything, whatever changed; leave it out to see what would run by itself")
    return args


def _ask(api: Any, args: Any) -> Pending:
    from snakemake.settings import types

    workflow_api = api.workflow(
        resource_settings=types.ResourceSettings(cores=1, overwrite_threads=args.set_threads),
        config_settings=types.ConfigSettings(
            config=_overrides(args.config),
            configfiles=args.configfile,
            config_args=args.config,
            replace_workflow_config=args.replace_workflow_config,
        ),
        deployment_settings=types.DeploymentSettings(deployment_method=args.software_deployment_method),
        snakefile=args.snakefile,
        workdir=args.directory,
    )
    dag_api = workflow_api.dag(
        types.DAGSettings(
            targets=args.targets,
            forcetargets=args.force,
            forcerun=args.forcerun,
            until=args.until,
            omit_from=args.omit_from,
            force_incomplete=True,
            allowed_rules=args.allowed_rules,
            rerun_triggers=args.rerun_triggers,
            max_checksum_file_size=args.max_checksum_file_size,
        )
    )
    with contextlib.redirect_stdout(io.StringIO()):
        dag_api.list_changes(types.ChangeType.INPUT)  # builds the plan as a dry run does, and only prints
    workflow = workflow_api._workflow
    pending: Pending = workflow.async_run(_collect(workflow.dag, workflow.persistence))
    return pending


def _overrides(entries: Any) -> Any:
    from snakemake.cli import parse_config

    return parse_config(entries)


async def _collect(dag: Any, persistence: Any) -> Pending:
    real = [job for level in dag.toposorted() for job in level if not job.is_norun]
    jobs = [await _job(dag, persistence, job) for job in real if dag.needrun(job)]
    return Pending(tuple(jobs), len(real), bool(persistence.locked))


async def _job(dag: Any, persistence: Any, job: Any) -> Job:
    after = sorted({other.rule.name for other in dag.dependencies[job] if dag.needrun(other)})
    reasons = [*await _output_reasons(persistence, job), *_changes(persistence, job)]
    reasons += [Reason("an input changed", file) for file in sorted(dag.reason(job).updated_input)]
    if dag.reason(job).forced and not reasons:
        reasons.append(Reason("asked for on the command line"))
    if not reasons and not after:
        reasons.append(Reason(str(dag.reason(job))))
    command = job.rule.shellcmd or job.rule.name
    return Job(job.rule.name, command, tuple(reasons), tuple(after), _seconds(persistence, job))


async def _output_reasons(persistence: Any, job: Any) -> list[Reason]:
    # Snakemake counts only files that are there; but it deletes them before a job begins, and ours are written whole.
    records = Records(Path(persistence.path).parent)
    broken = [str(file) for file in job.output if records.interrupted(str(file))]
    if broken:
        return [Reason("an earlier run was interrupted while making it", broken[0])]
    missing = [file for file in job.output if not await file.exists()]
    if not missing:
        return []
    made_before = persistence.metadata(missing[0]) is not None
    return [Reason("its output is gone" if made_before else "its output was never made", str(missing[0]))]


def _changes(persistence: Any, job: Any) -> Iterator[Reason]:
    changed = persistence.params_changed(job)
    new = (
        {name: repr(value) for name, value in job.params.items() if repr(value) in changed.only_new} if changed else {}
    )
    for text in differences(changed.only_old, new, stage_of(job.rule.shellcmd or "")):
        yield Reason(text, str(job.input[0]) if text == SOURCE_CHANGED and job.input else "")
    if any(persistence.code_changed(job)):
        yield Reason("the rule's command changed")
    if any(persistence.software_stack_changed(job)):
        yield Reason("its software environment changed")
    yield from _input_changes(persistence, job)


def _input_changes(persistence: Any, job: Any) -> Iterator[Reason]:
    known = [set(before) for file in job.output if (before := persistence.input(file)) is not None]
    now = {str(file) for file in job.input}
    for text, files in (
        ("an input is new", [now - old for old in known]),
        ("an input is gone", [old - now for old in known]),
    ):
        yield from (Reason(text, file) for file in sorted(set().union(*files)))


def _seconds(persistence: Any, job: Any) -> float | None:
    for file in job.output:
        record = persistence.metadata(file)
        if record is not None and record.starttime and record.endtime:
            return float(record.endtime - record.starttime)
    return None
