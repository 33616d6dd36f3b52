"""The evaluator: it scores every model by the same metrics on the same evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from genbench.contracts.evidence import Evidence, TaskEvidence
from genbench.contracts.metric import METRICS, MetricCard, Score, select_metrics
from genbench.core.errors import BadSamples
from genbench.core.registry import discover
from genbench.core.seeding import isolated, stream
from genbench.evaluation.repeats import repeats
from genbench.storage.evaluation import Evaluation, Flag

__all__ = ["evaluate"]


def evaluate(evidence: Evidence | TaskEvidence, metrics: Sequence[str] | None = None) -> Evaluation:
    """Score the evidence with the named metrics.

    A metric that fails, or gives NaN, has the value None and a flag; the other metrics are computed all the same.
    Infinity is a score, and flagged.

    Without names, all metrics of samples and densities are used.

    Raises:
        BadSamples: there are no samples, or they have the wrong shape or NaN or infinite values.
        GenbenchError: a name is unknown.
    """
    discover(groups=("metrics",))
    group = METRICS
    names = [card.name for card in select_metrics("all")] if metrics is None else metrics
    cards: list[MetricCard] = [group[name] for name in dict.fromkeys(names)]
    evaluation = Evaluation()
    if isinstance(evidence, Evidence):
        _check(evidence)
        evaluation.dim = evidence.samples.shape[1]
    for card in sorted(cards, key=lambda card: (card.order, card.name)):
        score = _score(card, evidence)
        evaluation.metrics[card.name] = None if math.isnan(score.value) else score.value
        if math.isfinite(score.value) and score.standard_error is not None and math.isfinite(score.standard_error):
            evaluation.standard_errors[card.name] = score.standard_error
        if score.flag:
            evaluation.flags.append(Flag(metric=card.name, text=score.flag))
    if isinstance(evidence, Evidence):
        known = evidence.test if evidence.train is None else np.concatenate([evidence.test, evidence.train])
        if warning := repeats(evidence.samples, known):
            evaluation.flags.append(Flag(text=warning))
    return evaluation


def _check(evidence: Evidence) -> None:
    """Raise an error for samples that cannot be scored: optimal transport would give NaN a perfect 0."""
    x, d = evidence.samples, math.prod(evidence.dataset.shape)
    if x.ndim != 2 or x.shape[1] != d or len(x) == 0:
        raise BadSamples(f"samples for evaluation have shape {x.shape}; they must be [n, {d}] with n of 1 or more")
    bad = int((~np.isfinite(x).all(axis=1)).sum())
    if bad:
        raise BadSamples(f"{bad} of {len(x)} samples are NaN or infinite")


def _score(card: MetricCard, evidence: Evidence | TaskEvidence) -> Score:
    """Return a metric's score, NaN with a reason where there is none; without a reason where it does not apply."""
    if not card.needs <= evidence.has:
        return Score(math.nan)
    try:
        with isolated(stream(evidence.seed, "metric", card.name)):
            value = card.factory(evidence)
        score = value if isinstance(value, Score) else Score(float(value))
    except Exception as error:  # a metric may raise anything
        return Score(math.nan, None, f"{card.name} failed: {type(error).__name__}: {error}".partition("\n")[0])
    if not math.isfinite(score.value) and not score.flag:
        return Score(score.value, None, f"{card.name} is {score.value}")
    return score
