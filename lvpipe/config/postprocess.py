"""Settings of the stage `postprocess`: what is counted as cavity and as muscle."""

from typing import Literal

from pydantic import Field, field_validator

from lvpipe.config.base import Section, each_once

Choice = Literal["temperature", "threshold", "components"]


class PostprocessSettings(Section):
    """Probabilities to masks."""

    temperature: float = Field(
        1.0, gt=0, description="The logits of all probabilities are divided by this first: above 1 they are less sure."
    )
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Pixels at or above this probability are cavity, or muscle that is no cavity."
    )
    closing_mm: float = Field(
        3.0, ge=0, description="Side of the square of the morphological closing; 0 leaves it out."
    )
    blank_mean_prob: float = Field(
        0.7, ge=0, le=1, description="A slice whose drawn pixels have a lower mean probability is blank; 0 keeps all."
    )
    blank_below_mm2: float = Field(40.0, ge=0, description="A slice with less cavity than this is blank; 0 keeps all.")
    components: Literal["all", "largest_in_slice", "largest_in_stack"] = Field(
        "largest_in_stack", description="Which connected components of the cavity are kept."
    )
    choose: tuple[Choice, ...] = Field(
        (),
        description="Which of these a model's own drawn training cases choose by cross-validation, where another value "
        "than the one above gives a better Dice by more than a standard error and 0.001.",
    )

    @field_validator("choose")
    @classmethod
    def _each_once(cls, choose: tuple[Choice, ...]) -> tuple[Choice, ...]:
        return each_once(choose)
