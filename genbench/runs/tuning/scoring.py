"""The quality of configurations, from scores on the validation splits of all datasets.

Scores are compared seed by seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from genbench.storage.records import TrialRecord
from genbench.storage.studies import Configuration, ModelStudy

__all__ = ["METRICS", "SMALL", "rank", "score_of", "settle", "standard_error"]

METRICS = ("validation_nll", "validation_sliced_w2")  # the first one that a model has is what it is tuned by
SMALL = 1e-12  # standard deviations, by hand: a distance below it, of samples that repeat the points, is none


def score_of(record: TrialRecord, metric: str = "") -> tuple[str, float | None]:
    """Return the metric by which a training run is scored, and its score.

    The score is None if it is not finite.

    Args:
        metric: the metric of other runs on the same data; the first available one unless given.
    """
    found = [name for name in (metric,) if name] or [name for name in METRICS if record.metrics.get(name) is not None]
    value = record.metrics.get(found[0]) if found and record.status == "ok" else None
    return (found[0] if found else ""), value if value is not None and math.isfinite(value) else None


def settle(study: ModelStudy, one: Configuration, records: Sequence[TrialRecord]) -> None:
    """Store the results of a configuration's training runs, all of which have ended."""
    scores: dict[str, list[float]] = {}
    one.error = ""
    for record in records:
        metric, value = score_of(record, study.metrics.get(record.dataset, ""))
        if value is None:
            why = f"{record.status} {record.error}" if record.error else "it has no finite score"
            one.error = one.error or f"{record.dataset}, seed {record.seed}: {why}"
            continue
        study.metrics[record.dataset] = metric
        scores.setdefault(record.dataset, []).append(value)
    one.scores = scores
    one.status = "failed" if one.error else "ok"
    one.seconds = round(sum(map(_seconds, records)), 3)


def _seconds(record: TrialRecord) -> float:
    cost = record.cost
    parts = (cost.train_seconds, cost.sample_seconds, cost.log_prob_seconds, cost.score_seconds)
    return record.error.seconds if record.error else sum(part for part in parts if part is not None)


def rank(study: ModelStudy) -> None:
    """Compute how far each configuration is behind the best of each dataset.

    The configuration that is least behind is the best. Nats are compared by differences, distances by quotients, so
    that datasets of different difficulty have equal weight. If two are equally good, the earlier one is better; the
    default is the first.
    """
    fine = [one for one in study.configurations if one.status == "ok"]
    least = {name: min(float(np.mean(one.scores[name])) for one in fine) for name in (fine[0].scores if fine else ())}
    for one in study.configurations:
        one.behind = None
    for one in fine:
        behind = [_behind(float(np.mean(one.scores[name])), best, study.metrics[name]) for name, best in least.items()]
        one.behind = float(np.mean(behind))
    ranked = [(one.behind, place) for place, one in enumerate(study.configurations) if one.behind is not None]
    study.best = min(ranked)[1] if ranked else None


def _behind(value: float, best: float, metric: str) -> float:
    return value - best if metric == METRICS[0] else value / max(best, SMALL) - 1


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of a mean over seeds; None for a single seed."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
