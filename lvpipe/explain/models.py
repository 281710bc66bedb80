"""Which models a chain goes through: that of one of them alone may lead into files of others."""

from pathlib import Path

from lvpipe.errors import UserError
from lvpipe.explain.records import Records

_STAGES_OF_MODELS = ("train", "integrate", "calibrate")
"""Folders of results/ that hold one folder for each model."""

_OF_A_CASE = (
    "segment/{model}/{case}_prob.nii.gz",
    "regress/{model}/{case}_areas.csv",
    "regress/{model}/{case}_volumes.csv",
)
"""What a model makes of a case, from its own networks, from another's, or from what others made."""


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
    """The asked model and those in whose files its chain goes on: of which it is the mean or the head of areas, or
    from whose weights its training started.
    """
    files = [f"results/{file.format(model=model, case=case)}" for file in _OF_A_CASE]
    found = {model}
    while files:
        record = records.read(files.pop())
        made_by_models = [file for file in record.inputs if _owner(file)] if record else []
        files += made_by_models
        found |= set(map(_owner, made_by_models))
    return found


def _owner(file: str) -> str:
    """The model whose weights or probabilities these are."""
    parts = Path(file).parts
    return parts[2] if parts[:2] in (("results", "train"), ("results", "segment")) else ""
