"""Write the pip locks from the environment that runs this script: `make lock`, after trying new versions in it.

`lock-cpu.txt` holds every package that running the workflow needs, `lock-dev.txt` what its tests and checks add,
`lock-slurm.txt` what submitting to Slurm adds.
"""

import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "lvpipe"
ENVS = Path(__file__).parent

RUN = """\
# Written by `make lock`: every package that a run needs, at the versions that the tests passed with (Python 3.11).
# torch is pinned without a local version (`+cpu`): pip then prefers a CPU wheel that the machine was prepared with
# (a folder in PIP_FIND_LINKS, or PyTorch's CPU index in PIP_EXTRA_INDEX_URL), and else takes the default build,
# whose CUDA packages are several GB. No hashes for the same reason: both builds satisfy the one line.
"""
DEV = """\
# Written by `make lock`: what `make test` and `make check` need beside lock-cpu.txt.
"""
SLURM = """\
# Written by `make lock`: what `make slurm` adds to lock-cpu.txt, to submit to Slurm.
"""


def own_requirements(extras: frozenset[str]) -> list[str]:
    """What pyproject.toml asks for: the installed package may be older than the file."""
    project = tomllib.loads((ENVS.parent / "pyproject.toml").read_text())["project"]
    added = [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *added]


def requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """What a package asks for on this machine, with these extras of its own."""
    for line in own_requirements(extras) if name == PACKAGE else distribution(name).requires or []:
        wanted = Requirement(line)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield wanted


def closure(name: str, *extras: str) -> set[str]:
    """Every package that this one needs, directly or not, without itself."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, frozenset(extras))]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend((canonicalize_name(r.name), frozenset(r.extras)) for r in requirements(*current))
    return {found for found, _ in seen} - {PACKAGE}


def lines(names: set[str]) -> str:
    """One exact pin a line; the local part of a version names a build, not a release."""
    return "".join(f"{name}=={distribution(name).version.split('+')[0]}\n" for name in sorted(names))


def main() -> None:
    """Write all files."""
    # The build backend: with it in the lock, the package itself installs without asking a registry.
    run = closure(PACKAGE) | {"setuptools"}
    (ENVS / "lock-cpu.txt").write_text(RUN + lines(run))
    (ENVS / "lock-dev.txt").write_text(DEV + lines(closure(PACKAGE, "dev") - run))
    (ENVS / "lock-slurm.txt").write_text(SLURM + lines(closure(PACKAGE, "slurm") - run))


if __name__ == "__main__":
    main()
