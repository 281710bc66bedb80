"""Scoring forecasts beside scoringrules and properscoring: the same scores from the same arrays, in one run.

    python -m venv FOLDER
    FOLDER/bin/pip install numpy scipy scoringrules properscoring numba
    PYTHONPATH=. OMP_NUM_THREADS=1 FOLDER/bin/python benchmarks/forecasts.py

An environment of its own: lvpipe needs neither of the two, and of lvpipe numpy and scipy are enough here. As many
forecasts as a run on all 1,140 studies of the Data Science Bowl has, EDV and ESV each. What is compared:

- the CRPS of the challenge, a distribution over 0 to 599 mL and a volume each: the mean over n of the Brier score of
  P(n) (`brier_score` of both); with scoringrules also as the ranked probability score of 601 classes (`rps_score`)
- the CRPS of a Gaussian in closed form (`crps_normal`, `crps_gaussian`)

Neither has PIT histograms, coverage or a decomposition for distributions on a grid; ours are timed alone. Each is run
in turn, the median of ROUNDS counts, and values must agree before they are timed.
"""

import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from statistics import median

import numpy as np
import properscoring
import scoringrules
from numpy.typing import NDArray
from scipy.special import ndtr

from lvpipe.forecast_metrics import chance_reliability, decompose_crps, pit_counts
from lvpipe.metrics import FORECAST_ML, covers, crps, crps_gaussian_ml, moments_ml, pit

FORECASTS = 2 * 1140
ROUNDS = 31
AGREE = 1e-9

Score = Callable[[], NDArray[np.float64]]


def main() -> None:
    random = np.random.default_rng(0)
    means, sds = random.uniform(60, 300, FORECASTS), random.uniform(5, 20, FORECASTS)
    volumes = np.round(random.normal(means, sds), 1)
    forecasts = ndtr((FORECAST_ML - means[:, None]) / sds[:, None])
    names = ("scoringrules", "properscoring", "numba", "numpy")
    print(f"{FORECASTS} forecasts, median of {ROUNDS}; {', '.join(f'{name} {version(name)}' for name in names)}")
    compare("CRPS over 600 steps", on_a_grid(forecasts, volumes))
    compare("CRPS of a Gaussian", of_a_gaussian(means, sds, volumes))
    alone(forecasts, volumes)


def on_a_grid(forecasts: NDArray[np.float64], volumes: NDArray[np.float64]) -> Mapping[str, Score]:
    """The Brier scores of both want the outcomes as an array, as ours makes it; the classes are given."""
    ends = np.ones((len(forecasts), 1))
    classes = np.diff(forecasts, axis=1, prepend=0 * ends, append=ends)
    happened = np.clip(np.ceil(volumes), 0, len(FORECAST_ML)).astype(int) + 1
    return {
        "ours": lambda: crps(forecasts, volumes),
        "scoringrules, Brier": lambda: scoringrules.brier_score(reached(volumes), forecasts).mean(axis=1),
        "scoringrules, RPS": lambda: scoringrules.rps_score(happened, classes) / len(FORECAST_ML),
        "properscoring, Brier": lambda: properscoring.brier_score(reached(volumes), forecasts).mean(axis=1),
    }


def of_a_gaussian(
    means: NDArray[np.float64], sds: NDArray[np.float64], volumes: NDArray[np.float64]
) -> Mapping[str, Score]:
    return {
        "ours": lambda: crps_gaussian_ml(means - volumes, sds),
        "scoringrules": lambda: scoringrules.crps_normal(volumes, means, sds),
        "properscoring": lambda: properscoring.crps_gaussian(volumes, means, sds),
    }


def alone(forecasts: NDArray[np.float64], volumes: NDArray[np.float64]) -> None:
    """All that `score` asks of a model's forecasts."""
    single: Mapping[str, Callable[[], object]] = {
        "PIT, mid": lambda: pit(forecasts, volumes),
        "PIT histogram": lambda: pit_counts(forecasts, volumes),
        "coverage of 50, 80, 90 %": lambda: [covers(forecasts, volumes, level) for level in (0.5, 0.8, 0.9)],
        "means and deviations": lambda: moments_ml(forecasts),
    }
    together = {"CRPS": lambda: crps(forecasts, volumes)} | dict(single)
    for name, ask in single.items():
        print(f"{name:<28} {1000 * seconds(ask):8.3f} ms")
    print(f"{'CRPS and these, together':<28} {1000 * seconds(lambda: [ask() for ask in together.values()]):8.3f} ms")
    print(f"{'decomposition':<28} {1000 * seconds(lambda: decompose_crps(forecasts, volumes), 5):8.1f} ms")
    print(f"{'its part by chance':<28} {1000 * seconds(lambda: chance_reliability(forecasts), 5):8.1f} ms")


def compare(what: str, scores: Mapping[str, Score]) -> None:
    """Each in turn, so that whatever else the machine does meets all of them alike."""
    mine = scores["ours"]()
    for name, score in scores.items():
        apart = float(np.abs(score() - mine).max())
        if apart > AGREE:
            raise SystemExit(f"{what}: {name} differs by {apart:.2g}")
    times: dict[str, list[float]] = {name: [] for name in scores}
    for _ in range(ROUNDS):
        for name, score in scores.items():
            times[name].append(once(score))
    base = median(times["ours"])
    for name, took in times.items():
        print(f"{what:<22} {name:<22} {1000 * median(took):8.3f} ms   {median(took) / base:6.2f} of ours")


def reached(volumes: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(volumes[:, None] <= FORECAST_ML)


def seconds(ask: Callable[[], object], rounds: int = ROUNDS) -> float:
    return median(once(ask) for _ in range(rounds))


def once(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
