"""One set of versions, said in four places: pyproject.toml, the pip locks, the conda files, the container recipe."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"pytorch": "torch", "snakemake-minimal": "snakemake"}
ONLY_CONDA = {"python", "pip", "setuptools", "pygments"}  # what pip brings along without being asked


def read_lock(name):
    pins = (line.split("==") for line in (ROOT / "envs" / name).read_text().splitlines() if not line.startswith("#"))
    return dict(pins)


def read_conda(name):
    lines = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())["dependencies"]
    pins = (line.split("=") for line in lines)
    return {CONDA_NAMES.get(package, package): version[:1] for package, *version in pins}


def direct(lines):
    return {canonicalize_name(wanted.name): wanted for wanted in map(Requirement, lines)}


@pytest.mark.parametrize(
    ("lock", "lines"),
    [
        ("lock-cpu.txt", PROJECT["dependencies"]),
        ("lock-dev.txt", PROJECT["optional-dependencies"]["dev"]),
        ("lock-slurm.txt", PROJECT["optional-dependencies"]["slurm"]),
    ],
)
def test_the_lock_satisfies_pyproject(lock, lines):
    pins = read_lock("lock-cpu.txt") | read_lock(lock)
    wrong = {name: pins.get(name) for name, wanted in direct(lines).items() if pins.get(name) not in wanted.specifier}
    assert not wrong, "mend with: make lock"


@pytest.mark.parametrize("extra", ["lock-dev.txt", "lock-slurm.txt"])
def test_no_package_is_locked_twice(extra):
    assert not read_lock("lock-cpu.txt").keys() & read_lock(extra).keys()


@pytest.mark.parametrize("lock", ["lock-cpu.txt", "lock-dev.txt", "lock-slurm.txt"])
def test_a_lock_names_releases_only(lock):
    text = (ROOT / "envs" / lock).read_text()
    assert not re.search(r"://|^/|@ |--", text, re.MULTILINE)
    assert all(Version(version).local is None for version in read_lock(lock).values())


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_has_the_locked_versions_of_the_direct_dependencies(name):
    pins, lock = read_conda(name), read_lock("lock-cpu.txt")
    assert pins.keys() - ONLY_CONDA == direct(PROJECT["dependencies"]).keys()
    assert {n: v for n, v in pins.items() if v and n in lock} == {n: [v] for n, v in lock.items() if n in pins}


def test_the_container_is_built_from_the_lock():
    recipe = (ROOT / "envs" / "container.def").read_text()
    assert "-r /opt/lvpipe/envs/lock-cpu.txt" in recipe
    assert not re.search(r"^ *lvpipe ", recipe, re.MULTILINE), "the package comes from the checkout, not from the image"
    assert f"From: python:{read_conda('cpu')['python'][0]}-" in recipe


@pytest.mark.parametrize("rules", sorted((ROOT / "workflow" / "rules").glob("*.smk")), ids=lambda path: path.stem)
def test_every_rule_names_its_conda_file(rules):
    text = rules.read_text()
    named = re.findall(r"^ *conda:\n +(.*)", text, re.MULTILINE)
    assert len(named) == len(re.findall(r"^ *shell:", text, re.MULTILINE))
    asked = [line for line in named if not re.search(r"\bPLAN\.(\w+\.)?environment\(", line)]
    assert all((rules.parent / line.strip('"')).resolve().is_file() for line in asked)


def test_every_import_is_declared():
    trees = [ast.parse(path.read_text()) for path in (ROOT / "lvpipe").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    tops = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"lvpipe"}
    owners = packages_distributions()
    found = {canonicalize_name(owner) for top in tops for owner in owners.get(top, [top])}
    assert found - {"pydantic-core"} <= direct(PROJECT["dependencies"]).keys()
