"""The task `forecast`: fit to past windows, then predict the held-out end of a series.

Each value is predicted from the values before it.

All models get the same input: the `length` − 1 true values before the one that they predict, as in a window. Models
with the method `forecast` take part.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.optional_methods import SupportsForecast
from genbench.contracts.series import SeriesDataset, SyntheticSeries, Timeline, windows
from genbench.contracts.task_evidence import Forecasts
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.numerics.mixture import Mixture
from genbench.storage.records import TrialResult, TrialSpec
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import cost_of, fit, result_of

__all__ = ["Forecast"]

FUTURES, HORIZON = 500, 60  # futures of a fan, and its most steps; by hand: 2.5 % quantiles by a dozen futures
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)
SHOWN = 5  # futures that are kept as they are; by hand: as many as the figure can show
FARTHEST = 20.0  # predicted standard deviations; beyond, the grid would be too coarse for the rest
GRID = 201  # points at which the density of residuals is kept; by hand: finer than the figure


class Forecast(Task):
    """Predict each held-out value of a series from those before it, and score the forecasts."""

    kinds = ("series",)

    def check_data(self, dataset: Dataset) -> None:
        """Raise a GenbenchError for data that are not a series."""
        if not isinstance(dataset, SeriesDataset):
            raise GenbenchError(
                f"{dataset.card.name} is no series to forecast; `genbench list datasets` shows their kinds"
            )
        if isinstance(dataset, SyntheticSeries) and not (dataset.writes("path") or dataset.writes("timeline")):
            raise GenbenchError(
                f"{dataset.card.name} has windows but no long series to forecast; write its method `path`"
            )

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model cannot forecast; "" if it can."""
        if card.role == "oracle":
            known = isinstance(dataset, SyntheticSeries) and dataset.writes("forecast")
            return "" if known else "does not know the process"
        return "" if isinstance(model, SupportsForecast) else "does not forecast: it has no method `forecast`"

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, predict, score.

        These arrays are stored, in the data's units, for n values of which the last m are held out: `series` [n]; the
        forecasts' `mean`, `median`, `low`, `high` (95 % intervals) and `log_prob` in nats [m]; the average predicted
        density of a residual `density` at `residual_grid` [201]; quantiles of sampled futures `fan` [5, h] and some of
        them, `futures` [5, h].
        """
        spec, dataset = trial.spec, trial.dataset
        assert isinstance(dataset, SeriesDataset)
        timeline = dataset.timeline(stream(spec.seed, "data"))
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = fit(trial, estimator, options)
        stage("predict")
        begin = time.perf_counter()
        observed = timeline.values[timeline.start :]
        context = dataset.length - 1
        histories = windows(timeline.values, context)[timeline.start - context : -1]  # (m, length − 1)
        predicted = estimator.forecast(histories, seed=spec.seed)
        done = time.perf_counter()
        stage("score")
        evidence = Forecasts(dataset, stream(spec.seed, "evaluation"), observed, predicted)
        evaluation = evaluate(evidence, spec.metrics)
        arrays = _kept(timeline, predicted) | _futures(estimator, histories[0], spec, len(observed))
        inside = (arrays["low"] <= observed) & (observed <= arrays["high"])
        cost = cost_of(estimator, seconds, log_prob_seconds=done - begin, score_seconds=time.perf_counter() - done)
        diagnostics = {"coverage_95": float(inside.mean())}
        kept = {"arrays": arrays, "weights": estimator.weights()}
        return result_of(evaluation, estimator, cost, diagnostics=diagnostics, **kept)


def _kept(timeline: Timeline, predicted: Mixture) -> dict[str, Any]:
    """Return the series, the forecasts, and how the residuals should be spread."""
    observed, mean = timeline.values[timeline.start :], predicted.mean
    std = float(np.median(predicted.std))
    reach = max(min(float(np.abs(observed - mean).max()), FARTHEST * std), 3.5 * std)
    grid = np.linspace(-reach, reach, GRID)
    density = [np.exp(predicted.log_prob(mean + residual)).mean() for residual in grid]
    return {
        "series": timeline.values,
        "mean": mean,
        "median": predicted.quantile(0.5),
        "low": predicted.quantile(QUANTILES[0]),
        "high": predicted.quantile(QUANTILES[-1]),
        "log_prob": predicted.log_prob(observed),
        "residual_grid": grid,
        "density": np.array(density),
    }


def _futures(estimator: Estimator, history: Array, spec: TrialSpec, most: int) -> dict[str, Any]:
    """Return quantiles of many futures of a history [k], and the first few: each value is drawn given those before."""
    rng = generator(spec.seed, "futures", estimator.card.name)
    x = np.tile(history, (FUTURES, 1))
    for step in range(min(most, HORIZON)):
        drawn = estimator.forecast(x[:, step:], seed=stream(spec.seed, "future", step)).sample(rng)
        x = np.column_stack([x, drawn])
    paths = x[:, len(history) :]
    return {"fan": np.quantile(paths, QUANTILES, axis=0), "futures": paths[:SHOWN]}
