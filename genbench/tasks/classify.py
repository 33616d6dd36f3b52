"""The task `classify`: fit a density for each class, and predict by Bayes' rule.

A generative model of each class can classify by Bayes' rule: argmax_y log p(x | y) + log p(y). A model with a density
takes part unchanged, with its budget divided over the classes; a conditional model is fitted once. Controls that only
classify are included for comparison. If the true density of each class is known, the oracle is the best possible
classifier.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from genbench.contracts.classifier import Classifier
from genbench.contracts.dataset import Dataset, SyntheticDataset
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.task_evidence import Predictions
from genbench.core.errors import GenbenchError
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.downstream.classification import Bayes, Direct, posterior
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.statistics.outliers import inner_range
from genbench.storage.records import Cost, TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.equal_compute import caution_unequal
from genbench.tasks.execution import ExecutionOptions

__all__ = ["Classify"]

GRID = 120  # points along each side of the map of a plane; chosen by hand: as fine as the figure


class Classify(Task):
    """Predict classes with one density for each class, and score the predictions."""

    def check_data(self, dataset: Dataset) -> None:
        """Raise a GenbenchError for data without classes."""
        if dataset.classes is None:
            raise GenbenchError(
                f"{dataset.card.name} has no classes; choose data with labels, such as mixtures or tables"
            )

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model cannot classify these data; "" if it can."""
        if card.role == "oracle":
            known = isinstance(dataset, SyntheticDataset) and dataset.writes("log_joint")
            return "" if known else "does not know the density of each class"
        if isinstance(model, Classifier):
            return ""
        return "has no density to classify by" if card.likelihood == "none" else ""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, log_prob, score.

        These arrays are stored: `log_proba` [m, k] of the test points, their `labels` [m], and for data of the plane
        `map` [g, g, k], which is log p(y | x) on a grid over the box `extent` (left, right, bottom, top).
        """
        spec, dataset, splits = trial.spec, trial.dataset, trial.splits
        stage("fit")
        begin = time.perf_counter()
        predict, cost, likelihood = _fitted(trial, options)
        fitted = time.perf_counter()
        stage("log_prob")
        assert splits.test_labels is not None
        log_proba = predict(splits.test)
        judged = time.perf_counter()
        stage("score")
        evidence = Predictions(dataset, stream(spec.seed, "evaluation"), log_proba, splits.test_labels)
        evaluation = evaluate(evidence, spec.metrics)
        arrays = {"log_proba": log_proba.astype(np.float32), "labels": splits.test_labels}
        if dataset.shape == (2,):
            arrays |= _map(predict, splits.test)
        cost.train_seconds = (cost.train_seconds or 0.0) + fitted - begin
        cost.log_prob_seconds, cost.score_seconds = judged - fitted, time.perf_counter() - judged
        return TrialResult(**vars(evaluation), likelihood=likelihood, cost=cost, arrays=arrays)


def _fitted(trial: ResolvedTrial, options: ExecutionOptions) -> tuple[Callable[[Array], Array], Cost, str]:
    """Return how a model predicts log p(y | x), its cost without this training run's seconds, and its likelihood."""
    spec, card = trial.spec, trial.model
    if trial.of_oracle:
        assert isinstance(trial.dataset, SyntheticDataset)
        truth = trial.dataset
        return (lambda x: posterior(truth.log_joint(x))), Cost(), "exact"
    way = Direct if issubclass(card.factory, Classifier) else Bayes
    classifier = way(card, spec.params, options.device)
    classifier.fit(
        **trial.training_data,
        seed=spec.seed,
        progress=options.progress,
        checkpoint=partial(options.checkpoint, spec),
        metered=True,
    )
    cost = Cost(train_seconds=classifier.earlier, steps=classifier.steps, parameters=classifier.parameters)
    if done := classifier.compute:
        caution_unequal(spec, done, classifier.steps or 0)
        cost.compute, cost.train_seconds = done.seconds, classifier.earlier - done.measuring
    return partial(classifier.predict_log_proba, seed=spec.seed), cost, classifier.likelihood


def _map(predict: Callable[[Array], Array], x: Array) -> dict[str, Array]:
    """Return log p(y | x) on a grid over a box somewhat wider than the points x [n, 2], and the box."""
    low, high = np.array([inner_range(column) for column in x.T]).T
    low, high = low - 0.2 * (high - low), high + 0.2 * (high - low)
    axes = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    return {
        "map": predict(points).reshape(GRID, GRID, -1).astype(np.float32),
        "extent": np.array([low[0], high[0], low[1], high[1]]),
    }
