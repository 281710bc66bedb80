"""Which models a chain goes through: that of one of them alone may lead into files of others."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.explain.records import Records

_MEASURED = "integrate"
_STAGES_OF_MODELS = ("train", _MEASURED, "calibrate")
"""Folders of results/ that hold one folder for each model."""

_MADE_BY_A_MODEL = (
    "segment/{model}/{case}_prob.nii.gz",
    "regress/{model}/{case}_areas.csv",
    "regress/{model}/{case}_volumes.csv",
    "calibrate/{model}/forecasts.csv",
)
"""What a model makes of a case, from its own networks, from another's, or from what others made or measured."""


def other_models(folder: Path, asked: str | None, case: str, records: Records) -> frozenset[str]:
    """The models whose files are not followed where one alone is asked for.

    Raises:
        UserError: the one that is asked for is not in this run.
    """
    folders = (folder / "results" / stage for stage in _STAGES_OF_MODELS)
    models = {entry.name for each in folders if each.is_dir() for entry in each.iterdir() if entry.is_dir()}
    if asked is not None and asked not in models:
        raise UserError(f"model {asked} is not in this run; expected one of {', '.join(sorted(models))}")
    return frozenset(models - _made_with(asked, case, records)) if asked else frozenset()


def _made_with(model: str, case: str, records: Records) -> set[str]:
    """The asked model and those in whose files its chain goes on: which it combines, of which it is the mean or the
    head of areas, or from whose weights its training started.
    """
    found, files = {model}, _files_of(model, case)
    while files:
        record = records.read(files.pop())
        for stage, owner, file in _of_models(record.inputs if record else ()):
            if stage != _MEASURED:  # what a table was measured from is its model's, of all cases
                files.append(file)
            if owner not in found:
                found.add(owner)
                files += _files_of(owner, case)
    return found


def _files_of(model: str, case: str) -> list[str]:
    return [f"results/{file.format(model=model, case=case)}" for file in _MADE_BY_A_MODEL]


def _of_models(files: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """The weights, probabilities and volumes among these files, each with its stage and its model."""
    for file in files:
        parts = Path(file).parts
        if parts[:1] == ("results",) and parts[1] in ("train", "segment", _MEASURED):
            yield parts[1], parts[2], file
