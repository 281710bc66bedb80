"""What the stages share that apply networks to a shard of cases: models are loaded once, finished cases are kept."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from lvpipe.arguments import section_of, stage_parser
from lvpipe.config.network_job import NetworkJob
from lvpipe.config.window import Window
from lvpipe.digests import digest, file_digest
from lvpipe.spool import Spool

if TYPE_CHECKING:
    from torch import nn

_CASES_AT_ONCE = 2
"""While the networks see one case, another is read, put together or written."""

NETWORKS = Lock()
"""Held by the case that the networks see: a job has as many cores as they have threads."""


class Work(Protocol):
    """What a stage does with one case."""

    def inputs(self, case: str) -> Sequence[Path]:
        """The files that it reads."""

    def target(self, case: str) -> Path:
        """The file that it makes."""

    def write(self, case: str, networks: "Sequence[nn.Module]", path: Path) -> None:
        """Make it, there."""


def applying_parser(doc: str | None, settings: type[NetworkJob], *paths: str) -> ArgumentParser:
    """A parser with what all these stages are told."""
    parser = stage_parser(doc, settings, *paths, "views", "boxes", "out", "spool")
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="files whose answers are averaged")
    parser.add_argument("--window", type=section_of(Window), required=True, metavar="JSON", help="what they see")
    parser.add_argument("--cases", nargs="+", required=True, help="the cases of this shard")
    parser.add_argument("--code", required=True, help="digest of the code, part of a spooled file's key")
    return parser


def apply_models(args: Namespace, work: Work, *choices: str) -> None:
    """Make the files of all cases, but those that the spool has; `choices` are what else they depend on."""
    import torch

    from lvpipe.learning.device import prepare_torch
    from lvpipe.learning.weights import read_network

    prepare_torch(args.settings)
    networks = [read_network(path).to(args.settings.device) for path in args.models]
    spool = Spool(args.spool)
    # OpenMP's number of threads is each thread's own: one that starts later takes as many as there are cores.
    alike = partial(torch.set_num_threads, args.settings.threads)
    with ThreadPoolExecutor(_CASES_AT_ONCE, initializer=alike) as pool:
        list(pool.map(_maker(args, work, networks, spool, choices), args.cases))
    spool.release()


def _maker(
    args: Namespace, work: Work, networks: "Sequence[nn.Module]", spool: Spool, choices: Sequence[str]
) -> Callable[[str], None]:
    """What makes the file of a case, unless the spool has it already."""
    common = _key(args, choices)

    def make(case: str) -> None:
        key = digest(common, case, *(file_digest(path) for path in work.inputs(case)))
        spool.make(key, work.target(case), partial(work.write, case, networks))

    return make


def _key(args: Namespace, choices: Sequence[str]) -> str:
    """All that the files of every case depend on."""
    from lvpipe.learning.device import describe_machine

    settings = (args.settings.canonical(), args.window.canonical(), *choices)
    return digest(args.code, *settings, describe_machine(args.settings), *(file_digest(path) for path in args.models))
