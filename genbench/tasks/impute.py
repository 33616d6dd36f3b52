"""The task `impute`: fit, then draw missing coordinates of test points, given the others.

Half of the coordinates are given: first the front half, then the back half. For a point of the plane, these are one
coordinate and then the other; for an image, the upper half and then the lower; for a series, the past and then the
future. The draws are compared with the true values, and in the plane also with the exact conditional distribution.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.dataset import Dataset, Splits, SyntheticDataset
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.task_evidence import Gap, Gaps, Mask
from genbench.core.errors import GenbenchError
from genbench.core.seeding import generator, stream
from genbench.core.types import Array
from genbench.downstream.imputation import WAYS, Filled, fill
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.numerics.line_conditionals import LineConditionals, conditional_of
from genbench.numerics.standardiser import Standardiser
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import cost_of, fit, result_of

__all__ = ["Impute"]

REACH = 20_000  # points of the truth that tell how far it reaches; by hand, with a margin of half of that
POINTS, DRAWS = 60, 200  # test points for each of the two masks, and draws for each; by hand: noise against time


class Impute(Task):
    """Draw one half of the coordinates of test points given the other, and score the draws."""

    def check_data(self, dataset: Dataset) -> None:
        """Raise a GenbenchError for data with a single coordinate."""
        if np.prod(dataset.shape) < 2:
            raise GenbenchError(
                f"{dataset.card.name} has a single coordinate, and imputing needs a known one beside it; choose other "
                "data"
            )

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model cannot fill gaps in these data; "" if it can."""
        if card.role == "oracle" and not _knows_conditionals(dataset):
            return "knows the conditionals of data in the plane with a known density only"
        return "is conditional on labels, which gaps are not" if getattr(model, "conditional", False) else ""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, sample, score.

        These arrays are stored, for both masks k = 0 and 1: `known_k` [d], test `points_k` [m, d] and `draws_k` [m, n,
        missing].
        """
        spec, dataset, splits = trial.spec, trial.dataset, trial.splits
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = fit(trial, estimator, options)
        stage("sample")
        rng = generator(stream(spec.seed, "evaluation"), "gaps")
        gaps: list[Gap] = []
        ways: list[Filled] = []
        arrays: dict[str, Any] = {}
        drawing = 0.0  # seconds
        for k, known in enumerate(_masks(dataset.shape)):
            points = splits.test[rng.permutation(len(splits.test))[:POINTS]]
            exact = _exact(dataset, points, k)
            begin = time.perf_counter()
            if exact is not None and trial.of_oracle:
                filled = _by_truth(exact, points, known, stream(spec.seed, "oracle", k))
            else:
                filled = fill(estimator, points, known, DRAWS, stream(spec.seed, "gaps", k))
            drawing += time.perf_counter() - begin
            ways.append(filled)
            gaps.append(_gap(dataset, splits, known, points, filled.x, exact))
            arrays |= _kept(k, known, points.astype(dataset.precision), filled.x.astype(dataset.precision))
        stage("score")
        scoring = time.perf_counter()
        evaluation = evaluate(Gaps(dataset, stream(spec.seed, "evaluation"), gaps), spec.metrics)
        diagnostics = {f"share_{way}": float(np.mean([one.way == way for one in ways])) for way in WAYS}
        diagnostics["effective"] = float(np.mean([one.effective for one in ways]))
        cost = cost_of(
            estimator,
            seconds,
            sample_seconds=drawing,
            samples_per_second=sum(gap.draws.shape[0] * gap.draws.shape[1] for gap in gaps) / drawing,
            score_seconds=time.perf_counter() - scoring,
        )
        return result_of(evaluation, estimator, cost, diagnostics=diagnostics, arrays=arrays)


def _kept(k: int, known: Mask, points: NDArray[np.floating], filled: NDArray[np.floating]) -> dict[str, Any]:
    """Return what is kept on disk of mask k: the mask, the points, and the draws of what is missing."""
    draws = filled.reshape(*filled.shape[:2], -1)[:, :, ~known.ravel()]
    flat = points.reshape(len(points), -1)
    return {f"known_{k}": known.ravel(), f"points_{k}": flat, f"draws_{k}": draws}


def _masks(shape: tuple[int, ...]) -> list[Mask]:
    """Return the front half of the coordinates as known, then the back half, [*shape] each; images by rows."""
    front = np.zeros(shape, dtype=bool)
    if len(shape) == 3:
        front[:, : shape[1] // 2] = True
    else:
        front.reshape(-1)[: front.size // 2] = True
    return [front, ~front]


def _knows_conditionals(dataset: Dataset) -> bool:
    return dataset.has_density and dataset.shape == (2,)


def _exact(dataset: Dataset, points: Array, known: int) -> LineConditionals | None:
    """Return the true conditionals at points [m, 2] of the plane, given one coordinate; None elsewhere."""
    if not (isinstance(dataset, SyntheticDataset) and _knows_conditionals(dataset)):
        return None
    return conditional_of(dataset.log_prob, dataset.reference(REACH, 0), points, known)


def _by_truth(exact: LineConditionals, points: Array, known: Mask, seed: int) -> Filled:
    """Return the oracle's draws: from the exact conditionals."""
    x = np.repeat(points[:, None], DRAWS, axis=1)
    x[:, :, ~known] = exact.sample(DRAWS, generator(seed, "conditional"))[..., None]
    return Filled(x, "exact")


def _gap(
    dataset: Dataset, splits: Splits, known: Mask, points: Array, filled: Array, exact: LineConditionals | None
) -> Gap:
    """Return a gap as it is scored: a table's columns in standard deviations of the training split."""
    flat, missing = known.ravel(), ~known.ravel()
    x, z = points.reshape(len(points), -1), filled.reshape(*filled.shape[:2], -1)
    if dataset.kind == "table":
        units = Standardiser.fit(splits.train.reshape(len(splits.train), -1))
        x, z = units.forward(x), units.forward(z)
    return Gap(flat, x, z[:, :, missing], exact)
