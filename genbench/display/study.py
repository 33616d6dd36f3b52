"""The result of a search, on a terminal: default and tuned side by side, and next steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.markup import escape

from genbench.contracts.metric import METRICS
from genbench.core.durations import duration
from genbench.core.selection import TUNED, Selection
from genbench.display.rich_tables import console, empty_table
from genbench.runs.tuning.scoring import SMALL, standard_error
from genbench.storage.studies import Configuration, ModelStudy, Study

__all__ = ["show_study"]


def show_study(study: Study, models: Sequence[str]) -> None:
    """Print the result of a study for some models: a row for each dataset, and a line each."""
    out = console()
    chosen = [one for one in study.models if one.model in models]
    seeds = "; ".join(f"{data}, seeds {', '.join(map(str, numbers))}" for data, numbers in study.seeds.items())
    headings = ["model", "data", "score", "default", "tuned", "better by", "configurations", "failed", "time"]
    title = f"Validation splits of {seeds}; budget {study.budget}: mean over seeds ± standard error, lower is better"
    table = empty_table(headings, title=title, left=("model", "data", "score"), keys=2)
    for one in chosen:
        for i, data in enumerate(study.seeds):
            failed = sum(each.status == "failed" for each in one.settled)
            seconds = sum(each.seconds for each in one.configurations)
            about = [str(len(one.settled)), str(failed), duration(seconds) if seconds else "–"]
            cells = [one.model if not i else "", data, *_scores(one, data), *(about if not i else [""] * len(about))]
            table.add_row(*map(escape, cells), end_section=i + 1 == len(study.seeds))
    out.print(table)
    for one in chosen:
        out.print("\n".join(_lines(study, one)), markup=False)
    out.print(
        "A tuned score is the best of many on the splits that chose it, so it is too good. Runs use test splits.",
        style="dim",
        markup=False,
    )


def _scores(one: ModelStudy, data: str) -> list[str]:
    """Return the metric, the scores of the default and of the best configuration, and the difference of the two."""
    metric = one.metrics.get(data, "")
    card = METRICS.cards.get(metric)
    default, tuned = one.configurations[0] if one.configurations else None, one.winner
    before, after = (each.scores.get(data, []) if each and each.status == "ok" else [] for each in (default, tuned))
    label = f"{card.label} ({card.unit})" if card else metric
    return [
        label,
        _mean(before) or (default.status if default else "–"),
        _mean(after) or "–",
        _gain(before, after, metric),
    ]


def _mean(values: Sequence[float]) -> str:
    if not values:
        return ""
    error = standard_error(values)
    return f"{np.mean(values):.4f}" + ("" if error is None else f" ± {error:.4f}")


def _gain(before: Sequence[float], after: Sequence[float], metric: str) -> str:
    """Return by how much the tuned one is better, by the pairs of seeds: in nats, or as a share of a distance."""
    if not before or len(before) != len(after):
        return "–"
    if metric == "validation_nll":
        apart = [a - b for a, b in zip(before, after, strict=True)]
        error = standard_error(apart)
        return f"{np.mean(apart):.4f}" + ("" if error is None else f" ± {error:.4f}")
    return f"{100 * (1 - float(np.mean(after)) / max(float(np.mean(before)), SMALL)):.0f} %"


def _lines(study: Study, one: ModelStudy) -> Iterator[str]:
    """Yield what the best configuration is, what matters, and how configurations failed."""
    best = one.winner
    if best is None:
        yield f"{one.model}: all {len(one.settled)} configurations failed, the first one: {one.settled[0].error}"
        return
    place = one.configurations.index(best)
    yield f"{one.model_name}[{TUNED}]: {study.tuned(one)}" + (f" (number {place + 1})" if place else "")
    if one.importance:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in one.importance.items())
        yield f"  spread of scores: {shares}"
    failed = [each for each in one.settled if each.status == "failed"]
    if failed:
        yield f"  {len(failed)} failed, such as {_written(one, failed[0])}: {failed[0].error}"


def _written(one: ModelStudy, configuration: Configuration) -> str:
    """Return a configuration as it is typed, without a time that is to be measured."""
    params = {name: value for name, value in configuration.params.items() if value is not None}
    return str(Selection(one.model_name, {**one.given, **params}))
