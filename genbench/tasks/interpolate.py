"""The task `interpolate`: encode pairs of test points, and decode the points in between.

It is for models that encode and decode; a model that only decodes, such as a GAN, interpolates between its own samples.
Halfway between two points of a curved set there are no data. Halfway between their codes, a good model decodes a point
of the set.
"""

from __future__ import annotations

import time

from genbench.contracts.dataset import Dataset
from genbench.contracts.model import Model, ModelCard
from genbench.contracts.optional_methods import SupportsDecoding, SupportsEncoding, SupportsLatentSampling
from genbench.contracts.task_evidence import Paths
from genbench.core.seeding import generator, stream
from genbench.downstream.interpolation import latent_paths, straight_paths
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.storage.records import TrialResult
from genbench.tasks.base import Stage, Task
from genbench.tasks.execution import ExecutionOptions
from genbench.tasks.steps import cost_of, fit, result_of

__all__ = ["Interpolate"]

PAIRS, STEPS = 500, 21  # pairs of test points, points on a path with its ends; by hand: odd, for a midpoint
KEPT = 24  # paths that are kept on disk; by hand: more than the figure shows


class Interpolate(Task):
    """Follow paths between codes of test points, and score the points on them."""

    def obstacle(self, card: ModelCard, model: Model, dataset: Dataset) -> str:
        """Return why a model cannot interpolate; "" if it can."""
        if not (isinstance(model, SupportsDecoding) and isinstance(model, SupportsEncoding | SupportsLatentSampling)):
            return "has no codes that it decodes"
        return "is conditional on labels, which paths are not" if getattr(model, "conditional", False) else ""

    def run(self, trial: ResolvedTrial, stage: Stage, options: ExecutionOptions) -> TrialResult:
        """Run one trial. Its phases are fit, sample, score.

        These arrays are stored: the first few `latent` and `straight` paths [k, steps, *shape].
        """
        spec, dataset, splits = trial.spec, trial.dataset, trial.splits
        stage("fit")
        estimator = trial.estimator(options.device)
        seconds = fit(trial, estimator, options)
        stage("sample")
        begin = time.perf_counter()
        evaluation_seed = stream(spec.seed, "evaluation")
        order = generator(evaluation_seed, "pairs").permutation(len(splits.test))
        pairs = min(PAIRS, len(order) // 2)
        a, b = splits.test[order[:pairs]], splits.test[order[pairs : 2 * pairs]]
        latent = latent_paths(estimator, a, b, STEPS, spec.seed)
        encoded = isinstance(estimator.model, SupportsEncoding)
        straight = straight_paths(a, b, STEPS) if encoded else straight_paths(latent[:, 0], latent[:, -1], STEPS)
        sampled = time.perf_counter()
        stage("score")
        flat = (pairs, STEPS, -1)
        evidence = Paths(
            dataset,
            evaluation_seed,
            latent.reshape(flat),
            straight.reshape(flat),
            splits.test.reshape(len(splits.test), -1),
            encoded,
        )
        evaluation = evaluate(evidence, spec.metrics)
        cost = cost_of(
            estimator,
            seconds,
            sample_seconds=sampled - begin,
            samples_per_second=pairs * STEPS / (sampled - begin),
            score_seconds=time.perf_counter() - sampled,
        )
        paths = {"latent": latent, "straight": straight}
        arrays = {name: path[:KEPT].astype(dataset.precision) for name, path in paths.items()}
        return result_of(evaluation, estimator, cost, arrays=arrays)
