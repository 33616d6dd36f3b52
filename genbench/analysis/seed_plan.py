"""The number of seeds that a comparison needs.

It follows from a given spread over seeds, or from the spread in each table of a run.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.outlook import Noise, power_of, resolved, seeds_to_decide, typical_deviation
from genbench.analysis.scores import Row, card_of
from genbench.analysis.verdicts import Contest, Scale
from genbench.core.errors import GenbenchError, nearest
from genbench.core.types import Array
from genbench.statistics.power import MOST_SEEDS, POWER, REPETITIONS, STORED, Power, StoredSpread

__all__ = ["FACTORS", "Amount", "OpenModel", "Question", "SeedPlan", "plan_without_run", "seed_plans", "select_metrics"]

FACTORS = (1.2, 1.5, 2.0)  # by hand: a small, a clear and a large difference
MULTIPLES = (1, 2, 4)  # of the standard deviation over seeds, for scores that are compared by differences
CURVE = (2, 3, 4, 5, 7, 10, 15, 20, 30, MOST_SEEDS)  # numbers of seeds at which a curve is simulated
SURE = 0.97  # power of all amounts at which a curve ends; by hand


@dataclass(frozen=True)
class Question:
    """The question that a plan answers.

    Attributes:
        power: the probability with which a worse model should be called worse.
        factors, differences: the amounts by which one model is worse than the others; None for the default ones.
        models: number of competing models; None for the number in the run.
        worse: number of them that are worse.
        seeds: number of seeds of each model; None for those of the run.
    """

    power: float = POWER
    factors: Sequence[float] | None = None
    differences: Sequence[float] | None = None
    models: int | None = None
    worse: int = 1
    seeds: int | None = None


@dataclass(frozen=True)
class Amount:
    """One amount by which a model may be worse than the others.

    Attributes:
        worse_by: a quotient or a difference.
        seeds_needed: number of seeds to call it worse with the probability asked for; None for more than MOST_SEEDS.
        found: the probability that it is called worse with the present seeds.
    """

    worse_by: float
    seeds_needed: int | None
    found: float


@dataclass(frozen=True)
class OpenModel:
    """A model that may be the best and may be worse.

    Attributes:
        behind: how much worse than the leader its mean is, a quotient or a difference.
        low, high: the interval of how much worse than the best of the others it is.
        more_seeds: number of seeds that would probably decide it; None for more than MOST_SEEDS in all.
    """

    model: str
    behind: float
    low: float
    high: float
    more_seeds: int | None


@dataclass(frozen=True)
class SeedPlan:
    """The differences that seeds can find in one table, by one metric.

    Attributes:
        dataset, metric, likelihood: the table, "" for none; the kind of likelihood, if kinds are ranked separately.
        scale, unit: whether scores are compared by quotients or differences, and the unit of the latter.
        models, worse: number of competing models, and of those that are worse by the same amount.
        seeds: smallest and largest number of seeds of a model.
        deviation: standard deviation of one score over seeds, for the median model, on the scale of the comparison.
        smallest: smallest amount that these seeds find with the probability asked for.
        error: standard error of a probability, by simulation.
        below: about the same as `smallest`, as the line below a run's table says it; None for another question.
    """

    dataset: str
    metric: str
    likelihood: str | None
    scale: Scale
    unit: str
    models: int
    worse: int
    seeds: tuple[int, int]
    deviation: float
    power: float
    smallest: float
    amounts: Sequence[Amount]
    open: Sequence[OpenModel]
    error: float
    simulation: Power
    below: float | None = None

    @property
    def metric_label(self) -> str:
        """The heading of the metric, with the kind of likelihood; "" without a metric."""
        kind = f" ({self.likelihood})" if self.likelihood else ""
        return f"{card_of(self.metric).label}{kind}" if self.metric else ""

    def shift(self, worse_by: float) -> float:
        """Return an amount on the scale of the comparison."""
        return math.log(worse_by) if self.scale == "quotient" else worse_by

    def curve(self) -> tuple[Array, Array]:
        """Return numbers of seeds [n], and the probability of each amount with them [amounts, n]."""
        found: list[list[float]] = []
        for n in CURVE:
            found.append([self.simulation.of(n, self.shift(one.worse_by)) for one in self.amounts])
            if min(found[-1]) > SURE and n > self.seeds[1]:
                break
        return np.array(CURVE[: len(found)]), np.array(found).T

    def public(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        plain = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "simulation"}
        return plain | {"amounts": [asdict(one) for one in self.amounts], "open": [asdict(one) for one in self.open]}


def plan_without_run(question: Question, spread: float | None) -> SeedPlan:
    """Return the plan for a run that does not exist yet, from the spread over seeds.

    None means the stored spread. Scores are compared by quotients, and `spread` is that of their logarithms, unless
    differences are asked for.

    Raises:
        GenbenchError: differences are asked for without a spread.
    """
    if question.differences and spread is None:
        raise GenbenchError(
            "the stored spread is of logarithms of scores and says nothing about differences; add --spread, the "
            "standard deviation over seeds in the metric's unit, or name a pilot run"
        )
    k, seeds = question.models or 10, question.seeds or 3
    stored = StoredSpread(STORED.scale if spread is None else spread, STORED.freedom)
    simulation = Power(stored.deviations(k, REPETITIONS), question.worse)
    scale: Scale = "difference" if question.differences else "quotient"
    amounts = question.differences or question.factors or FACTORS
    return _plan(("", "", None), scale, simulation, np.array(seeds), stored.scale, question, amounts, [])


def seed_plans(
    board: Leaderboard, metrics: Sequence[str], question: Question, progress: bool = False
) -> list[SeedPlan]:
    """Return the plan of each table of a run and each metric, from its own spread.

    With `progress`, the terminal shows the progress.

    Raises:
        GenbenchError: there is no table, or the amounts asked for fit none.
    """
    from tqdm.auto import tqdm

    plans, reasons = [], []
    places = list(dict.fromkeys(row.place for row in board.rows))
    silent = not progress or bool(os.environ.get("TQDM_DISABLE")) or not sys.stderr.isatty()
    for place in tqdm(places, desc="power", unit="table", leave=False, disable=silent):
        rows = [row for row in board.rows if row.place == place]
        for name in metrics:
            contests = board.contests.get((place, name), [])
            found = [plan for contest in contests if (plan := _plan_of(place, contest, question))]
            plans += found
            if not found and any(row.metrics.get(name) for row in rows):
                reasons.append(f"{card_of(name).label} on {place}: {_why_none(rows, name, contests)}")
    if not plans:
        raise GenbenchError(reasons[0] if reasons else "no model has a score in this metric; choose another --metric")
    for given, scale, other in ((question.factors, "quotient", "differences"),
                                (question.differences, "difference", "factors")):  # fmt: skip
        if given and all(plan.scale != scale for plan in plans):
            raise GenbenchError(f"{plans[0].metric} is compared by {_words(plans[0].scale)}s; use --{other} instead")
    return plans


def select_metrics(board: Leaderboard, asked: str | None) -> list[str]:
    """Return the names of metrics from a text.

    It is a list, "all" or "main". Without a text, it is the metric by which the board is sorted.

    Raises:
        GenbenchError: the run lacks a metric.
    """
    if asked is None:
        return [board.sort] if board.sort else board.metrics
    if asked in ("all", "main"):
        return [name for name in board.metrics if asked == "all" or card_of(name).main] or board.metrics
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in board.metrics:
            raise GenbenchError(f"no metric '{name}' in this run{nearest(name, board.metrics)}")
    return names


def _plan_of(place: str, contest: Contest, question: Question) -> SeedPlan | None:
    noise = Noise.of(contest)
    if noise is None:
        return None
    simulation = power_of(noise, question.models)
    simulation.worse = question.worse
    own = question.models in (None, len(contest.rows))
    seeds = noise.seeds if own else np.array(int(np.median(noise.seeds)))
    seeds = seeds if question.seeds is None else np.array(question.seeds)
    deviation = typical_deviation(noise)
    if contest.scale == "quotient":
        amounts = question.factors or FACTORS
    else:
        amounts = question.differences or [float(f"{times * deviation:.2g}") for times in MULTIPLES]
    more, open_models = seeds_to_decide(contest, question.power), []
    for i, row in enumerate(contest.rows):
        if contest.verdict(i) == "open":
            behind = float(contest.found.mean[i] - contest.found.mean.min())
            behind = math.exp(min(behind, 700.0)) if contest.scale == "quotient" else behind
            open_models.append(OpenModel(row.model, behind, *contest.worse_by(i), more[row.model]))
    place_of = (place, contest.metric, contest.likelihood)
    plan = _plan(place_of, contest.scale, simulation, seeds, deviation, question, amounts, open_models)
    same = own and question.seeds is None and question.worse == 1 and question.power == POWER
    return replace(plan, below=resolved(contest)) if same else plan


def _plan(
    place: tuple[str, str, str | None],
    scale: Scale,
    simulation: Power,
    seeds: Array,
    deviation: float,
    question: Question,
    amounts: Sequence[float],
    open_models: Sequence[OpenModel],
) -> SeedPlan:
    k = simulation.deviations.shape[1]
    if not 0 < simulation.worse < k:
        raise GenbenchError(
            f"--worse {simulation.worse} of {k} models leaves no model that is better; give a smaller number"
        )
    shifts = [math.log(one) if scale == "quotient" else one for one in amounts]
    smallest = simulation.smallest(seeds, question.power)
    return SeedPlan(
        *place, scale, card_of(place[1]).unit if place[1] else "", k, simulation.worse,
        (int(seeds.min()), int(seeds.max())), deviation, question.power,
        math.exp(min(smallest, 700.0)) if scale == "quotient" else smallest,
        [
            Amount(one, simulation.seeds(shift, question.power), simulation.of(seeds, shift))
            for one, shift in zip(amounts, shifts, strict=True)
        ],
        open_models, simulation.error(question.power), simulation,
    )  # fmt: skip


def _why_none(rows: Sequence[Row], name: str, contests: Sequence[Contest]) -> str:
    """Return why the scores of a table by a metric say nothing about seeds, and what to do."""
    competing = [row for row in rows if row.role == "model" and row.metrics.get(name)]
    if contests:
        return "the scores do not vary over seeds, so that there is no power to compute; name another --metric"
    if not card_of(name).ranked:
        return "this metric does not rank models; name another --metric"
    if sum(len(row.values[name]) > 1 for row in competing) < 2 <= len(competing):
        return (
            "one seed shows no spread over seeds; run a pilot with --seeds 3, or plan without a run: "
            "genbench power --models 10"
        )
    return "fewer than two models compete; run more models, or plan without a run: genbench power --models 10"


def _words(scale: Scale) -> str:
    return "factor" if scale == "quotient" else scale
