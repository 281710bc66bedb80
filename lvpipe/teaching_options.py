"""What teaches a model must fit its network: cohorts, settings of training, and the model whose weights it starts from.

Refused when the workflow is parsed: a training that cannot go on would end hours later.
"""

from collections.abc import Iterator, Mapping

from lvpipe.config.cohorts import ModelEntry
from lvpipe.config.train import TrainSettings
from lvpipe.errors import UserError
from lvpipe.network_options import read_source

_OF_PIXELS = ("loss", "target_scale", "blank_share")
_UNHEARD: Mapping[str, tuple[str, ...]] = {
    "areas": _OF_PIXELS,
    "volumes": (*_OF_PIXELS, "split_by", "learn_images", "augmentation"),
}
"""Settings of training that say nothing to a network that makes this: its error and its examples are its own."""

_OF_ROUNDS = ("rounds", "both_epochs", "volumes_epochs", "areas_weight")
"""Settings of `volumes` that say how masks and volumes take turns."""


def check_teaching(model: ModelEntry, models: Mapping[str, ModelEntry], train: TrainSettings) -> None:
    """Refuse what a model cannot learn from or would not hear; `train` are its settings.

    Raises:
        UserError: what is wrong, in one line.
    """
    for fault in _faults(model, models, train):
        raise UserError(f"models: {model.name}: {fault}")


def check_head(model: ModelEntry, train: TrainSettings) -> None:
    """Refuse a head of areas of a training that has none; `train` are the settings of that training.

    Raises:
        UserError: the line about it.
    """
    if train.volumes.by != "areas":
        raise UserError(
            f"models: {model.name}: training: {model.training} learns volumes by {train.volumes.by} and has no head of "
            f"areas; expected `train: {{volumes: {{by: areas}}}}` there"
        )


def _faults(model: ModelEntry, models: Mapping[str, ModelEntry], train: TrainSettings) -> Iterator[str]:
    yield from _unheard(model)
    yield from _unfit_teachers(model, train)
    if model.start:
        yield from _unfit_start(model, models[model.start])


def _unheard(model: ModelEntry) -> Iterator[str]:
    """What a model sets for itself alone and would not hear."""
    given = model.overrides.train
    unheard = [key for key in _UNHEARD.get(model.makes, ()) if key in given]
    if model.makes == "volumes":
        unheard += [f"volumes.{key}" for key in given.get("volumes", {}) if key != "turns"]
    for key in unheard:
        yield (
            f"overrides: train: {key} says nothing to network {model.network}, which makes {model.makes} and has an "
            f"error of its own; leave it out"
        )
    for key in _OF_ROUNDS if model.volumes and not model.masks else ():
        if key in given.get("volumes", {}):
            yield (
                f"overrides: train: volumes.{key} says nothing to a model that no masks teach, which has `epochs` of "
                f"volumes alone; leave it out"
            )
    if "volumes" in given and not model.volumes:
        yield "overrides: train: volumes says nothing to a model that no volumes teach; name cohorts in its `volumes`"


def _unfit_teachers(model: ModelEntry, train: TrainSettings) -> Iterator[str]:
    takes_studies = read_source(model.network).takes == "stack"
    if model.masks and (takes_studies or model.makes == "volumes"):
        yield f"masks: drawn slices cannot teach network {model.network}, which sees studies; expected `volumes` alone"
    if model.regresses and model.volumes and model.makes == "areas" and train.volumes.by == "prob":
        yield (
            f"network {model.network} makes no probabilities, and `train: volumes: by` is prob; expected "
            f"`overrides: {{train: {{volumes: {{by: areas}}}}}}`"
        )


def _unfit_start(model: ModelEntry, start: ModelEntry) -> Iterator[str]:
    """Weights fit where the network, its options and, if it draws, its labels are the same."""
    source = read_source(model.network)
    if source.complete(model.options) != source.complete(start.options):
        yield f"start: {start.name} has other options; expected the same, since its weights must fit"
    if model.draws and model.labels != start.labels:
        yield f"start: {start.name} has other labels; expected the same, since its weights must fit"
