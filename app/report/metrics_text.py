"""The metrics in words: which targets are met, how the work went, and whether the forecast held. Pure."""

from collections.abc import Iterator

from app.report import formatting
from app.report.view import ReviewView
from domain.tracking import Metric, Metrics


def sentences(view: ReviewView) -> list[str]:
    """Sentences on whether the review works; its note where nothing is counted yet."""
    metrics = view.review.metrics
    if not metrics.figures:
        return [metrics.note]
    by_id = {figure.id: figure for figure in metrics.figures}
    return [
        _targets(metrics),
        *_first_touches(by_id.get("late_first_touch")),
        *_actions(view.actions_a_week),
        *_saves(metrics),
        *_forecast(by_id.get("forecast")),
    ]


def _targets(metrics: Metrics) -> str:
    judged = [figure for figure in metrics.figures if figure.met is not None]
    missed = [figure for figure in judged if not figure.met]
    if not judged:
        return "No target can be judged yet."
    met = f"{len(judged) - len(missed)} of {formatting.counted(len(judged), 'target')} that can be judged are met."
    return (
        f"{met} Not met: {'; '.join(f'{f.label} ({f.shown}, target {f.target})' for f in missed)}." if missed else met
    )


def _first_touches(figure: Metric | None) -> Iterator[str]:
    if figure is not None and figure.count and figure.value is not None:
        late = round(figure.value * figure.count)
        yield f"{late} of {formatting.counted(figure.count, 'first touch', 'first touches')} of earlier reviews came late or not at all."


def _actions(a_week: tuple[float, float] | None) -> Iterator[str]:
    if a_week is not None:
        mean, most = a_week
        yield f"A CSM gets {formatting.number(mean)} actions a week on average, and {formatting.number(most)} at most."


def _saves(metrics: Metrics) -> Iterator[str]:
    """The causes with the best and the worst save rate, with their cases: few cases say little."""
    known = [rate for rate in metrics.save_rates if rate.value is not None]
    if not known:
        yield "No play has come to an outcome yet, so nothing can be said about save rates."
        return
    known.sort(key=lambda rate: (-(rate.value or 0.0), -rate.count, rate.label))
    parts = [known[0], known[-1]] if len(known) > 1 else known
    said = "; ".join(f"{rate.label.removeprefix('Save rate: ')} {rate.shown}{_interval(rate)}" for rate in parts)
    yield f"Saved most and least often: {said}." if len(known) > 1 else f"Saved so far: {said}."
    for rate in metrics.save_rates_by_step[:1]:
        name = rate.label.removeprefix("Save rate: ")
        yield f"The step done most often in plays with an outcome, “{name}”: {rate.shown} kept{_interval(rate)}."


def _interval(figure: Metric) -> str:
    if figure.low is None or figure.high is None:
        return ""
    return f", 95 %: {formatting.percent(figure.low)} to {formatting.percent(figure.high)}"


def _forecast(figure: Metric | None) -> Iterator[str]:
    if figure is None:
        return
    if figure.met is None:
        yield f"The forecast cannot be judged yet. {figure.note}"
        return
    where = "within" if figure.met else "outside"
    yield f"Losses: {figure.shown}, {where} the interval of {figure.target} that chance allows."
