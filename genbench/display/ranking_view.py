"""A ranking over several datasets as text: cells of its table, a summary, and tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genbench.analysis.ranking import MIN_DATASETS, Estimate, RankedModel, Ranking
from genbench.analysis.scores import card_of
from genbench.display.numbers import brief, decimals, with_error
from genbench.statistics.best import ALPHA
from genbench.statistics.signed_rank import least_p

__all__ = ["RankingView", "ranking_view"]

MEANS = {"quotient": "geometric mean", "difference": "mean", "rank": "average rank"}
NAMED = 3  # models that a sentence names before it only counts them


@dataclass(frozen=True)
class RankingView:
    """One ranking over several datasets as text, the same in all formats."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentence: str  # what it says
    tests: str  # what other tests say, what the columns mean, who is left out


def ranking_view(one: Ranking) -> RankingView:
    """Return a ranking as text."""
    card = card_of(one.metric)
    score = " ".join(part for part in (card.label, one.unit) if part) + f": {MEANS[one.scale]}"
    tested = one.models[0].ranks is not None
    verdicts = ("rank [95 %]", "verdict", "worse than the best by", "better / equal / worse than the leader, %")
    headings = ["model", f"{score} [95 %]" if tested else score, *(verdicts * tested), "average rank"]
    rows = [_row(one, model, tested) for model in one.models]
    if one.scale == "rank":  # its score is the average rank
        headings, rows = headings[:-1], [row[:-1] for row in rows]
    kind = f", {one.likelihood} likelihoods" if one.likelihood else ""
    tests = [_meaning(one) if tested else "", _wilcoxon(one), _nemenyi(one), _failed(one), _left_out(one)]
    title = f"{len(one.datasets)} datasets together{kind}"
    return RankingView(title, headings, rows, _sentence(one), " ".join(filter(None, tests)))


def _row(one: Ranking, model: RankedModel, tested: bool) -> list[str]:
    cells = [model.name, _estimate(model.score)]
    if tested:
        place, odds = 1 + one.models.index(model), model.odds
        shares = "–" if odds is None else " / ".join(f"{100 * share:.0f}" for share in odds)
        ranks = f"{place} [{model.ranks[0]}, {model.ranks[1]}]" if model.ranks else "–"
        cells += [ranks, model.verdict or "–", _worse_by(one, model), shares]
    return [*cells, f"{model.average_rank:.2f}"]


def _estimate(score: Estimate) -> str:
    """Return a score with its interval, with as many digits as it supports."""
    if not (math.isfinite(score.low) and math.isfinite(score.high)):
        return brief(score.value)
    scale = (score.high - score.low) / 2 or abs(score.value) / 10
    if "e" in with_error(score.value, scale):
        return f"{brief(score.value)} [{brief(score.low)}, {brief(score.high)}]"
    digits = decimals(scale)
    return f"{score.value:.{digits}f} [{score.low:.{digits}f}, {score.high:.{digits}f}]"


def _worse_by(one: Ranking, model: RankedModel) -> str:
    """Return the interval of how much worse than the best of the others a model is; it may be better, too."""
    if model.worse_by is None:
        return "–"
    ends = ["∞" if end is None else f"{end:.2f}" if one.scale == "quotient" else brief(end) for end in model.worse_by]
    return f"{'× ' * (one.scale == 'quotient')}{ends[0]} to {ends[1]}"


def _sentence(one: Ranking) -> str:
    """Return who may be the best over the datasets, and who is worse by how much."""
    n, models = len(one.datasets), one.models
    if n < MIN_DATASETS:
        return (
            f"{n} datasets are too few for a verdict, which needs {MIN_DATASETS}: from {n}, how an advantage varies "
            "between datasets is known from a single number."
        )
    if models[0].verdict is None:
        return "No verdict: every model has a seed that failed, or an infinite score."
    by = {word: [m for m in models if m.verdict == word] for word in ("best", "as good", "open", "worse")}
    leads = f"Over {n} datasets, {models[0].name} "
    parts = ["leads" if by["as good"] or by["open"] else "is the best"]
    if by["as good"]:
        parts.append(f"{_named(by['as good'])} {_are(by['as good'])} as good")
    if by["open"]:
        parts.append(f"{_named(by['open'])} may be the best, too, or worse (open)")
    surely = [_amount(one, m) for m in by["worse"] if m.worse_by and m.worse_by[0]]
    if by["worse"]:
        parts.append(f"{_named(by['worse'])} {_are(by['worse'])} worse")
        parts[-1] += f" ({max(surely)[1]})" if surely else ""
    return leads + "; ".join(parts) + "."


def _amount(one: Ranking, model: RankedModel) -> tuple[float, str]:
    """Return by how much a model is worse at least, to sort by and in words."""
    low = (model.worse_by or (0.0,))[0] or 0.0
    unit = {"quotient": "times", "rank": "ranks", "difference": one.unit}[one.scale]
    return low, f"{model.name} at least {low:.2f} {unit}".rstrip()


def _named(models: Sequence[RankedModel]) -> str:
    names = [model.name for model in models]
    if len(names) > NAMED:
        return f"{len(names)} models"
    return ", ".join(names[:-1]) + " and " * (len(names) > 1) + names[-1]


def _are(models: Sequence[RankedModel]) -> str:
    return "is" if len(models) == 1 else "are"


def _meaning(one: Ranking) -> str:
    equal = ""
    if one.margin is not None:
        within = f"{100 * (one.margin - 1):.3g} %" if one.scale == "quotient" else f"{brief(one.margin)} {one.unit}"
        equal = f"; equal is within {within.rstrip()} of the leader"
    return (
        "Verdicts and ranks hold, with 95 %, for further datasets of this kind: the noise is how a model's advantage "
        f"varies between datasets. Better / equal / worse: probabilities by the Bayesian signed-rank test{equal}."
    )


def _wilcoxon(one: Ranking) -> str:
    """Return which models the leader beats by Wilcoxon's test, or that it can find none."""
    tested = [model for model in one.models if model.wilcoxon is not None]
    if not tested:
        return ""
    n, least = len(one.datasets), least_p(len(one.datasets), len(tested))
    if least >= ALPHA:
        many = f" and {len(tested)} comparisons" if len(tested) > 1 else ""
        why = f"with {n} datasets{many} its p (Holm) is {least:.2g} or more"
        return f"Wilcoxon's signed-rank test can find nothing: {why}."
    found = [m for m in tested if m.wilcoxon is not None and m.wilcoxon < ALPHA]
    return f"By Wilcoxon's signed-rank test (Holm, 5 %) the leader differs from {_named(found) if found else 'none'}."


def _nemenyi(one: Ranking) -> str:
    ranks = one.ranks
    if ranks.p is None or ranks.critical_difference is None:
        return f"No Friedman test: {ranks.reason}."
    return (
        f"Friedman's test that all models are alike: p = {ranks.p:.2g}; average ranks differ significantly from "
        f"{ranks.critical_difference:.2f} on (Nemenyi, 5 %)."
    )


def _failed(one: Ranking) -> str:
    failed = [f"{model.name} ({model.failures})" for model in one.models if model.failures]
    if not failed:
        return ""
    return f"Seeds that failed or are infinite count as worse than any score, so these rank last: {', '.join(failed)}."


def _left_out(one: Ranking) -> str:
    return f"Left out, for want of a score: {', '.join(one.left_out)}." if one.left_out else ""
