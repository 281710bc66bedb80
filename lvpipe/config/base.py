"""What every configuration section shares."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.-]*$"
"""Names become parts of paths and of wildcards, in which `_` and `/` separate, and words of commands."""

PathName = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]

Name = TypeVar("Name", bound=str)


class Section(BaseModel):
    """A validated, immutable part of the configuration that knows all its keys.

    `coerce_numbers_to_str` stays off: `--config 'resample={"spacing_mm": 2.0}'` arrives as the *string* '2.0',
    which pydantic's default (lax) mode turns back into a number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def canonical(self) -> str:
        """The section as canonical JSON: what a rule passes to its stage and what Snakemake compares."""
        return self.model_dump_json()


def each_once(names: tuple[Name, ...]) -> tuple[Name, ...]:
    """Names of which none stands twice.

    Raises:
        ValueError: one does.
    """
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} stands twice; expected each once")
    return names
