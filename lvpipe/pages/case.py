"""One case on the page: its figures, its charts, its pictures and what convert mended."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

from lvpipe.beats import HEART_DOUBTFUL
from lvpipe.charts import Line
from lvpipe.pages.figures import MODELS, REFERENCE, Curve, area_profile, forecast_steps, volume_curves
from lvpipe.pages.markup import MISSING, Html, anchor, fixed, join, tag
from lvpipe.pages.run import Outcome, Run
from lvpipe.pages.strips import picture_strips
from lvpipe.pages.study import GivenStudy, Study
from lvpipe.pages.tables import amount, spread, table, words

_EVENTS_SHOWN = 4
"""Of one rule; a study with a hundred unreadable files says so once."""

_SEXES = {"F": "female", "M": "male"}


def colours(models: Sequence[str]) -> dict[str, str]:
    """Each model's colour, the same on the whole page."""
    return dict(zip(models, cycle(MODELS), strict=False))


def case_article(run: Run, study: Study, crop_mm: float) -> Html:
    """Everything about a case that has a cine."""
    return tag(
        "article",
        _head(study.outcomes, study.ledger),
        _incomplete(study.outcomes),
        _doubts(study.outcomes),
        _left_out(run, study.case),
        figures_table(study.outcomes),
        tag("div", *_charts(run, study, list(_profile(study, colours(run.models)))), class_="charts"),
        *picture_strips(run, study, crop_mm),
        events_list(study.ledger),
        id=anchor(study.case),
        class_="case",
    )


def given_article(run: Run, study: GivenStudy) -> Html:
    """Everything about a case that another tool estimated."""
    return tag(
        "article",
        _head(study.outcomes, run.ledger(study.case)),
        _incomplete(study.outcomes),
        _left_out(run, study.case),
        figures_table(study.outcomes),
        tag("div", *_charts(run, study, list(_given_profile(study, colours(run.models)))), class_="charts"),
        tag("p", "No pictures: the cohort came as another tool's estimates, without images.", class_="quiet"),
        id=anchor(study.case),
        class_="case",
    )


def rejected_article(run: Run, case: str) -> Html:
    """A case of which there is nothing: why, what was seen in its files, and the forecast that it got all the same."""
    outcomes, ledger = run.by_case[case], run.ledger(case)
    events = Html("") if run.is_given(case) else events_list(ledger)
    reason = outcomes[0].reason or ledger.get("reason") or "its ledger gives no reason"
    return tag(
        "article",
        _head(outcomes, ledger),
        tag("p", tag("b", "Set aside: "), reason, _looked_at(run, case), class_="reason"),
        _left_out(run, case),
        figures_table(outcomes),
        events,
        id=anchor(case),
        class_="case",
    )


def _looked_at(run: Run, case: str) -> Html:
    """Where the picture is of a case in which no heart was found."""
    sought = any(case in view.boxes for view in run.views)
    return join([" (", tag("a", "where it was sought", href="#hearts"), ")"]) if sought else Html("")


def flag_chips(flags: Sequence[str]) -> Html:
    """Flags as small labels."""
    return join([tag("span", flag, class_="flag") for flag in flags])


def figures_table(outcomes: Sequence[Outcome]) -> Html:
    """Reference, estimates and forecast of every model."""
    heads = ("", "EDV mL", "forecast", "CRPS", "ESV mL", "forecast", "CRPS", "SV mL", "EF forecast", "flags")
    first = outcomes[0].values
    edv, esv = first["edv_reference_ml"], first["esv_reference_ml"]
    blank = words("")
    reference = [
        *(words("reference", "reference"), amount(edv), blank, blank, amount(esv), blank, blank),
        *(amount(edv - esv), amount(first["ef_reference_percent"]), blank),
    ]
    return table(heads, [reference, *(_figures(outcome) for outcome in outcomes)])


def events_list(ledger: Mapping[str, Any]) -> Html:
    """What convert mended, dropped or guessed, by rule."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for event in ledger.get("events") or []:
        groups.setdefault(event["rule"], []).append(event)
    if not groups:
        return tag("p", "Nothing had to be mended in the source.", class_="quiet")
    lines = [line for rule, events in groups.items() for line in _event_lines(rule, events)]
    return tag(
        "details",
        tag("summary", f"What convert mended or left out ({len(ledger['events'])})"),
        tag("ul", *lines),
        open=True,
    )


def _head(outcomes: Sequence[Outcome], ledger: Mapping[str, Any]) -> Html:
    one = outcomes[0]
    age, sex = ledger.get("age_years"), _SEXES.get(str(ledger.get("sex", "")), "")
    person = [sex, f"{age:.0f} years" if age is not None else ""]
    facts = [one.cohort, one.split, *person]
    if ledger.get("slices"):
        facts.append(f"{ledger['slices']} slices of {fixed(float(ledger.get('slice_spacing_mm') or 'nan'))} mm")
        facts.append(f"{ledger['frames']} frames")
    return tag("h3", one.case, tag("small", " ", ", ".join(fact for fact in facts if fact)))


def _figures(outcome: Outcome) -> list[Any]:
    values = outcome.values
    cells = [words(outcome.model)]
    for kind in ("edv", "esv"):
        cells.append(amount(values[f"{kind}_ml"]))
        cells.append(spread(values[f"{kind}_mean_ml"], values[f"{kind}_sd_ml"]))
        cells.append(amount(values[f"{kind}_crps"], 4))
    chips = words(flag_chips(outcome.marks))
    return [*cells, amount(values["sv_ml"]), spread(values["ef_mean_percent"], values["ef_sd_percent"]), chips]


def _incomplete(outcomes: Sequence[Outcome]) -> Html:
    """Why no volume is made of what is there."""
    reasons = dict.fromkeys(one.reason for one in outcomes if one.status == "incomplete")
    return join([tag("p", tag("b", "Incomplete: "), reason, class_="reason") for reason in reasons])


def _doubts(outcomes: Sequence[Outcome]) -> Html:
    """Why the heart may be elsewhere than in the boxes."""
    reasons = dict.fromkeys(one.reason for one in outcomes if HEART_DOUBTFUL in one.flags and one.status == "ok")
    return join([tag("p", tag("b", "The heart may be elsewhere: "), reason, class_="reason") for reason in reasons])


def _left_out(run: Run, case: str) -> Html:
    """Why the volumes that the source has of it are no reference."""
    reason = run.volumes_left_out(case)
    return tag("p", tag("b", "Reference volumes left out: "), reason, class_="reason") if reason else Html("")


def _charts(run: Run, study: Study | GivenStudy, profile: Sequence[Line]) -> Iterator[Html]:
    paint, first = colours(run.models), study.outcomes[0].values
    references = {"EDV": first["edv_reference_ml"], "ESV": first["esv_reference_ml"]}
    frames = {outcome.model: outcome.frames for outcome in study.outcomes}
    yield volume_curves(
        {model: Curve(*curve, frames[model], paint[model]) for model, curve in study.curves.items() if curve[0]},
        references,
        study.across,
    )
    steps = [
        (one.model if kind == "EDV" else "", paint[one.model], forecast)
        for one in study.outcomes
        for kind in ("EDV", "ESV")
        if (forecast := run.forecast(one, kind)) is not None
    ]
    yield forecast_steps(steps, references)
    yield area_profile(profile)


def _profile(study: Study, paint: Mapping[str, str]) -> Iterator[Line]:
    """Areas by position at each model's ED (solid) and ES (dashed), and those that were drawn."""
    x = [study.position_mm(z) for z in range(study.cine_tzyx.shape[1])]
    for (word, frame), who in study.moments().items():
        dash = "" if word == "ED" else "5 4"
        for name in who:
            areas = study.reference_areas_cm2(frame) if name == "expert" else study.areas_cm2[name][frame]
            yield Line(name if word == "ED" else "", x, areas.tolist(), paint.get(name, REFERENCE), dash=dash)


def _given_profile(study: GivenStudy, paint: Mapping[str, str]) -> Iterator[Line]:
    """Areas by position at each model's ED (solid) and ES (dashed)."""
    for one in study.outcomes:
        for word, frame in one.frames.items():
            places = study.positions_mm.get(one.model, {}).get(frame, [])
            x, areas = [position for position, _ in places], [area for _, area in places]
            dash = "" if word == "ED" else "5 4"
            yield Line(one.model if word == "ED" else "", x, areas, paint[one.model], dash=dash)


def _event_lines(rule: str, events: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    for event in events[:_EVENTS_SHOWN]:
        at = event.get("position_mm")
        where = tag("small", f" at {fixed(float(at))} mm") if at is not None else ""
        yield tag("li", tag("code", rule), " ", str(event.get("what") or MISSING), where)
    if len(events) > _EVENTS_SHOWN:
        yield tag("li", tag("code", rule), f" and {len(events) - _EVENTS_SHOWN} more of the kind")
