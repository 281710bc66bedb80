"""The tables in results/score/forecasts: how good and how honest the forecasts of all models are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lvpipe.files import write_table
from lvpipe.resampling import FEWEST
from lvpipe.scoring.calibration import (
    DECOMPOSITION,
    PIT,
    RELIABILITY,
    decomposition_rows,
    pit_rows,
    reliability_rows,
)
from lvpipe.scoring.groups import COVERAGE, coverage_rows
from lvpipe.scoring.headline import DIFFERENCES, HEADLINE, Draws, difference_rows, headline_rows
from lvpipe.scoring.outliers import OUTLIERS
from lvpipe.scoring.terms import Ejections, Terms, terms_of, with_joined
from lvpipe.scoring.volumes import Entry
from lvpipe.tables import number

Row = dict[str, object]

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "headline": HEADLINE,
    "differences": DIFFERENCES,
    "coverage": COVERAGE,
    "decomposition": DECOMPOSITION,
    "pit": PIT,
    "reliability": RELIABILITY,
    "outliers": OUTLIERS,
}


@dataclass
class ForecastTables:
    """What is known of the models so far; of forecasts themselves nothing is kept, there may be many."""

    terms: list[Terms] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(self, found: Sequence[Entry], beats: Mapping[str, Mapping[str, str]], ejections: Ejections) -> None:
        """One model's entries, with its rows of volumes.csv and of ejection.csv by case."""
        everyone = list(with_joined(found))
        terms = [one for entry in everyone for one in terms_of(entry, ejections)]
        slices = {case: number(beat["slices"]) for case, beat in beats.items()}
        ef_percent = {case: number(row["ef_mean_percent"]) for case, row in ejections.items()}
        self.terms += terms
        self.rows["coverage"] += coverage_rows(terms, slices, ef_percent)
        for entry in everyone:
            if entry.own:
                self.rows["decomposition"] += decomposition_rows(entry)
                self.rows["pit"] += pit_rows(entry)
                self.rows["reliability"] += reliability_rows(entry, ejections)

    def write(self, folder: Path) -> None:
        """All tables; figures of models that came one by one are compared now."""
        draws = Draws()
        rows = self.rows | {
            "headline": list(headline_rows(self.terms, draws)),
            "differences": list(difference_rows(self.terms, draws)),
        }
        for name, columns in COLUMNS.items():
            write_table(folder / f"{name}.csv", columns, rows[name])

    def remarks(self) -> Iterator[str]:
        """Of which sets no interval could be told."""
        patients: dict[tuple[str, str], set[str]] = {}
        for one in self.terms:
            patients.setdefault((one.cohort, one.split), set()).update(row.patient for row in one.rows)
        few = [f"{cohort} {split} ({len(who)})" for (cohort, split), who in patients.items() if len(who) < FEWEST]
        if few:
            yield f"intervals are blank where fewer than {FEWEST} patients have references: {', '.join(few)}"
