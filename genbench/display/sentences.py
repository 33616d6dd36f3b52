"""The result of a table by the metric by which it is sorted, as a sentence to quote."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.scores import Row, Verdict, card_of
from genbench.analysis.verdicts import Contest
from genbench.contracts.model import LIKELIHOODS
from genbench.contracts.recipe import Budget
from genbench.display.numbers import brief, in_words
from genbench.display.verdicts import at_least
from genbench.storage.outside import BUDGET as OUTSIDE

__all__ = ["Outlook", "conclusion", "no_outlook"]

Outlook = Callable[[Contest], str]  # what would decide the open verdicts of a contest: "5 more seeds would decide"

NAMED = 5  # names in a list, and then "and three more"; by hand, as are the next
AMOUNTS = 3  # models whose amounts are told one by one
KINDS = {
    "exact": "exact likelihoods",
    "estimate": "estimates of the likelihood",
    "bound": "upper bounds",
    "none": "models without a likelihood",
}


def no_outlook(contest: Contest) -> str:
    """Return "": it is unknown what would decide the open verdicts."""
    return ""


def conclusion(board: Leaderboard, place: str, outlook: Outlook = no_outlook) -> str:
    """Return what the table of a place shows by its sorting metric, as a sentence.

    It is "" if no model competes.

    Args:
        outlook: returns what would decide the open verdicts of a contest; "" if unknown.
    """
    metric = board.sorted_by(place)
    rows = [row for row in board.rows if row.place == place and row.role == "model"]
    scored = [row for row in rows if metric and row.metrics.get(metric)]
    if metric is None or not scored or not card_of(metric).ranked:
        return ""
    contests = sorted(board.contests.get((place, metric), []), key=lambda c: LIKELIHOODS.index(c.likelihood or "none"))
    if not contests:
        return f"{_where(rows)}{_uncompared(scored, metric)}."
    kinds = len({row.likelihood for row in scored}) > 1 and card_of(metric).by_likelihood
    shown = [_contest(contest, scored, kinds, i > 0, outlook) for i, contest in enumerate(contests)]
    compared = {row.model for contest in contests for row in contest.rows}
    left_out = _left_out([row for row in scored if row.model not in compared], metric, kinds)
    return f"{_where(rows)}{'. '.join(shown)}{left_out}."


def _where(rows: Sequence[Row]) -> str:
    """Return which data a table is of, and after how much training, if all trials had the same."""
    task = f" (task {rows[0].task})" if rows[0].place != rows[0].dataset else ""
    budgets = {budget for row in rows for budget in row.budgets}
    known = len(budgets) == 1 and OUTSIDE not in budgets
    after = f" after {_training(budgets.pop())}" if known else ""
    return f"On {rows[0].dataset}{task}{after}, "


def _training(text: str) -> str:
    budget = Budget(text)
    seconds = budget.nominal or budget.seconds
    if seconds is None:
        steps = int(text.split("s", maxsplit=1)[0])
        return f"{steps:,} step{'' if steps == 1 else 's'}"
    return "half a second" if seconds == 0.5 else f"{brief(seconds, 6)} s"


def _contest(contest: Contest, scored: Sequence[Row], kinds: bool, again: bool, outlook: Outlook) -> str:
    """Return what one contest shows; `again` if the sentence before was of another kind of likelihood."""
    its: dict[Verdict, list[int]] = {"best": [], "as good": [], "open": [], "worse": []}
    for i in sorted(range(len(contest.rows)), key=lambda i: contest.found.mean[i]):
        its[contest.verdict(i)].append(i)
    as_good, unknown = _names(contest, its["as good"]), _names(contest, its["open"])
    infinite = [row.model for row in scored if _lost(row, contest)]
    label, kind = card_of(contest.metric).label, f" among {KINDS[contest.likelihood or 'none']}" if kinds else ""
    what = f"{'' if again else f' in {label}'}{kind}"
    hope = outlook(contest) if unknown else ""
    k, worse = len(contest.rows) + len(infinite), len(its["worse"]) + len(infinite)
    if len(unknown) == k - 1:
        models = f"the {in_words(k)} models do not differ significantly with {_seeds(contest)}"
        undecided = f"{contest.leader.model} leads{what}, but {models}"
        return "; ".join(filter(None, [undecided, hope]))
    if len(as_good) == k - 1:
        others = {2: "the other model", 3: "both others"}.get(k, f"all {in_words(k - 1)} others")
        return f"{contest.leader.model} leads{what}, and {others} {_are(k - 1)} as good"
    parts = [f"{contest.leader.model} {'is best' if worse == k - 1 else 'leads'}{what}"]
    if unknown and worse < k - 1:
        parts.append(f"{in_words(k - worse)} of {in_words(k)} models may be the best" if worse else "no model is worse")
    if as_good:
        parts.append(f"{_listed(as_good)} {_are(len(as_good))} as good")
    parts += _worse(contest, its["worse"])
    if infinite:
        parts.append(f"{_listed(infinite)} {'has an infinite score' if len(infinite) == 1 else 'have infinite scores'}")
    if unknown:
        parts.append(f"{_listed(unknown)} {_are(len(unknown))} open{': ' if hope else ''}{hope}")
    return "; ".join(parts)


def _worse(contest: Contest, worse: Sequence[int]) -> list[str]:
    """Return by how much models are worse at least, those that are worst first, and which by an unknown amount."""
    groups: dict[str, list[int]] = {}
    for i in sorted(worse, key=lambda i: -contest.worse_by(i)[0]):
        groups.setdefault(at_least(contest, i), []).append(i)
    unknown = _names(contest, groups.pop("", []))
    told = [(_listed(_names(contest, its)), len(its), least) for least, its in groups.items()]
    if len(told) > AMOUNTS + 1:
        rest = told[AMOUNTS:]
        told = [*told[:AMOUNTS], (f"{in_words(sum(n for _, n, _ in rest))} more", 2, rest[-1][2])]
    phrases = [f"{names} {f'{_are(n)} ' if j == 0 else ''}at least {least}" for j, (names, n, least) in enumerate(told)]
    parts = [f"{_joined(phrases)} worse"] if phrases else []
    return parts + ([f"{_listed(unknown)} {_are(len(unknown))} worse, by how much is open"] if unknown else [])


def _left_out(rows: Sequence[Row], metric: str, kinds: bool) -> str:
    """Return which scored models are in no contest, and why."""
    short = [row.model for row in rows if len(row.values[metric]) == 1]
    alone = [row.model for row in rows if kinds and len(row.values[metric]) > 1 and math.isfinite(_mean(row, metric))]
    reasons = [(short, "has one seed", "have one seed")]
    reasons += [(alone, "has a likelihood of another kind", "have likelihoods of other kinds")]
    told = [(models, one if len(models) == 1 else many) for models, one, many in reasons if models]
    return "".join(f"; {_listed(models)} {why} and {_are(len(models))} not compared" for models, why in told)


def _uncompared(scored: Sequence[Row], metric: str) -> str:
    """Return why nothing is compared, and what to do."""
    label, finite = card_of(metric).label, [row for row in scored if math.isfinite(_mean(row, metric))]
    if not finite:
        return f"no model has a finite {label}"
    if len(finite) == 1:
        only = "a score" if len(scored) == 1 else "a finite score"
        return f"{finite[0].model} is the only model with {only} in {label}, and there is nothing to compare it with"
    by_kind = card_of(metric).by_likelihood and len({row.likelihood for row in finite}) > 1
    if max(len(row.values[metric]) for row in finite) < 2:
        leader = "" if by_kind else f"{finite[0].model} has the best {label} of {in_words(len(finite))} models, but "
        return f"{leader}one seed cannot show a significant difference; use --seeds 3"
    if by_kind:
        names = _listed([row.model for row in finite])
        return f"{names} are not compared in {label}: their likelihoods are of different kinds, or have one seed"
    return "fewer than two models have two seeds, which a comparison needs; use --seeds 3"


def _lost(row: Row, contest: Contest) -> bool:
    """Return whether a model is worse than those of a contest because a score of it is infinite."""
    cell = row.metrics[contest.metric]
    mine = contest.likelihood in (None, row.likelihood)
    return mine and cell is not None and cell.verdict == "worse" and not math.isfinite(cell.mean)


def _mean(row: Row, metric: str) -> float:
    cell = row.metrics[metric]
    return cell.mean if cell else math.nan


def _seeds(contest: Contest) -> str:
    """Return how many seeds the models have, in words."""
    counts = {len(row.values[contest.metric]) for row in contest.rows}
    return f"{in_words(counts.pop())} seeds" if len(counts) == 1 else "the seeds"


def _names(contest: Contest, places: Sequence[int]) -> list[str]:
    return [contest.rows[i].model for i in places]


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    """Return names as a list in words, cut where it is long."""
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{in_words(len(names) - NAMED)} more"]
    return _joined(names)


def _joined(parts: Sequence[str]) -> str:
    """Return parts of a sentence as a list: "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
