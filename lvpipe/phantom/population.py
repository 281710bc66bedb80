"""Who is in the synthetic cohort: persons, their kind of heart, and the volumes it holds through a cycle."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lvpipe.cases import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lvpipe.config.phantom import Populations

EDV_LIMITS_ML = (60.0, 450.0)
"""From small women with thick walls to grossly dilated hearts; the Kaggle sheet spans 5 (infants) to 590 mL."""

MUSCLE_MG_PER_MM3 = 1.05
"""Density of heart muscle."""


@dataclass(frozen=True)
class Kind:
    """What a population's hearts have in common: indexed EDV, EF and wall thickness (mean, standard deviation)."""

    edv_ml_per_m2: tuple[float, float]
    ejection_percent: tuple[float, float]
    wall_mm: tuple[float, float]
    pathology: str


KINDS = {
    # SSFP normal ranges: Maceira et al., J Cardiovasc Magn Reson 2006 (EDV 47-92 mL/m2, EF 58-75 %).
    "normal": Kind((74.0, 11.0), (64.0, 5.0), (8.2, 1.0), "Normal"),
    # Spread as the SC-HF-NI, SC-HYP and SC-HF-I groups of Radau et al., MIDAS Journal 2009 (EF 10-60 %).
    "dilated": Kind((125.0, 30.0), (28.0, 9.0), (8.0, 1.0), "Heart failure without infarct"),
    "hypertrophic": Kind((66.0, 12.0), (66.0, 6.0), (14.5, 2.5), "Hypertrophy"),
    "infarct": Kind((103.0, 25.0), (36.0, 10.0), (8.0, 1.1), "Heart failure with infarct"),
}


@dataclass(frozen=True)
class Person:
    """One synthetic patient, and what the left ventricle ought to hold."""

    population: str
    age_years: int
    sex: str
    height_m: float
    weight_kg: float
    heart_rate_bpm: float
    edv_ml: float
    esv_ml: float
    wall_mm: float

    @property
    def pathology(self) -> str:
        """The word in Sunnybrook's patient sheet."""
        return KINDS[self.population].pathology


def make_generator(*words: object) -> np.random.Generator:
    """Return a random stream that depends on these words alone, so that each part of a case has its own."""
    return np.random.Generator(np.random.PCG64(number("/".join(str(word) for word in words))))


def draw_person(populations: "Populations", rng: np.random.Generator) -> Person:
    """Draw age, sex, size and a heart that fits them."""
    weights = populations.model_dump()
    share = np.array([weights[name] for name in KINDS])
    population = str(rng.choice(list(KINDS), p=share / share.sum()))
    sex = str(rng.choice(["M", "F"]))
    height = float(np.clip(rng.normal(1.76 if sex == "M" else 1.63, 0.07), 1.45, 2.0))
    weight = float(np.clip(rng.normal(26.0, 4.0), 18.0, 40.0)) * height**2
    edv_ml, esv_ml = _volumes(KINDS[population], height, weight, sex, rng)
    return Person(
        population,
        age_years=int(np.clip(rng.normal(55, 16), 18, 88)),
        sex=sex,
        height_m=round(height, 2),
        weight_kg=round(weight, 1),
        heart_rate_bpm=float(np.clip(rng.normal(69, 11), 45, 105)),
        edv_ml=edv_ml,
        esv_ml=esv_ml,
        wall_mm=float(max(5.5, rng.normal(*KINDS[population].wall_mm))) * (1.0 if sex == "M" else 0.93),
    )


def _volumes(kind: Kind, height_m: float, weight_kg: float, sex: str, rng: np.random.Generator) -> tuple[float, float]:
    surface_m2 = float(np.sqrt(height_m * weight_kg / 36.0))  # Mosteller, N Engl J Med 1987, with metres for cm
    indexed = rng.normal(*kind.edv_ml_per_m2) * (1.05 if sex == "M" else 0.95)
    edv_ml = float(np.clip(indexed * surface_m2, *EDV_LIMITS_ML))
    ejection = float(np.clip(rng.normal(*kind.ejection_percent), 10.0, 75.0))
    return edv_ml, edv_ml * (1.0 - ejection / 100.0)


def contraction(phases: "NDArray[np.float64]", systole: float, kick: float) -> "NDArray[np.float64]":
    """How far the heart is from ED (0) to ES (1) at each phase of the cycle (0 to 1, ED at 0).

    Ejection until `systole`, rapid filling, diastasis, and an atrial kick that brings the last part of the volume.
    """
    filled = systole + 0.22
    knots = np.array([0.0, 0.2 * systole, 0.7 * systole, systole, systole + 0.06, filled, 0.84, 0.95, 1.0])
    values = np.array([0.0, 0.12, 0.86, 1.0, 0.95, kick + 0.08, kick, 0.03, 0.0])
    order = np.argsort(knots)
    fine = np.interp(
        np.linspace(-1.0, 2.0, 3001),
        np.concatenate([knots[order] - 1, knots[order], knots[order] + 1]),
        np.tile(values[order], 3),
    )
    smooth = np.convolve(fine, np.hanning(81) / np.hanning(81).sum(), mode="same")[1000:2000]
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.asarray(np.interp(np.mod(phases, 1.0), np.arange(1000) / 1000, smooth))
