"""The task `generate`: load the data, fit, sample, score.

Distances are in the data's own units; in a table each column has its own, so there they are in standard deviations of
the training split. Likelihoods are in nats of the data's own units, always.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from genbench.dataset import Array, Dataset, Sizes, Splits, SyntheticDataset
from genbench.estimator import Estimator
from genbench.evaluation import Evaluation, evaluate
from genbench.metric import Evidence, Protocol
from genbench.parameters import create
from genbench.record import Cost, TrialSpec
from genbench.registry import REGISTRY
from genbench.seeding import stream
from genbench.standardise import Standardiser
from genbench.tasks import Outcome

__all__ = ["run"]

FLOOR_DRAWS = 4  # sample sets over which the oracle's scores are averaged: their noise would be in every quotient


def run(spec: TrialSpec, stage: Callable[[str], None], progress: bool = False) -> Outcome:
    """Run one trial. `stage` is told the phase that begins: load, fit, sample, log_prob, score.

    Raises:
        GenbenchError and whatever a plugin raises; `stage` says where.
    """
    stage("load")
    dataset: Dataset = create(REGISTRY["datasets"][spec.dataset_name], spec.dataset_params)
    protocol = Protocol(**spec.protocol)
    splits = dataset.splits(stream(spec.seed, "data"), Sizes(protocol.train))
    card = REGISTRY["models"][spec.model_name]
    estimator = Estimator(card, spec.params)

    stage("fit")
    begin = time.perf_counter()
    if card.role == "oracle":
        estimator.reveal(dataset, splits)
    else:
        estimator.fit(
            splits.train, splits.validation, kind=dataset.kind, seed=spec.seed, budget=spec.budget, progress=progress
        )
    fitted = time.perf_counter()

    stage("sample")
    n = protocol.samples if isinstance(dataset, SyntheticDataset) else min(protocol.samples, len(splits.test))
    samples = estimator.sample(n, seed=spec.seed)
    sampled = time.perf_counter()

    stage("log_prob")
    log_prob = None
    if card.likelihood != "none":
        with contextlib.suppress(NotImplementedError):  # the oracle of real data knows no density
            log_prob = estimator.log_prob(splits.test, seed=spec.seed)
    diagnostics = estimator.diagnose(splits.test, seed=spec.seed)
    judged = time.perf_counter()

    stage("score")
    evaluation = _score(spec, dataset, splits, samples, log_prob)
    if card.role == "oracle" and isinstance(dataset, SyntheticDataset):
        draws = (estimator.sample(n, seed=stream(spec.seed, "floor", k)) for k in range(1, FLOOR_DRAWS))
        evaluation = Evaluation.mean([evaluation, *(_score(spec, dataset, splits, x, log_prob) for x in draws)])
    return Outcome(
        metrics=evaluation.metrics,
        standard_errors=evaluation.standard_errors,
        flags=evaluation.flags,
        diagnostics=diagnostics,
        likelihood=estimator.likelihood if log_prob is not None else "none",
        history=estimator.history.rows,
        samples=samples,
        weights=estimator.weights(),
        cost=Cost(
            train_seconds=fitted - begin,
            steps=estimator.history.steps or None,
            sample_seconds=sampled - fitted,
            samples_per_second=n / (sampled - fitted),
            log_prob_seconds=judged - sampled if log_prob is not None else None,
            score_seconds=time.perf_counter() - judged,
            parameters=estimator.parameters,
            nfe=estimator.nfe,
        ),
    )


def _score(spec: TrialSpec, dataset: Dataset, splits: Splits, samples: Array, log_prob: Array | None) -> Evaluation:
    """Score samples [n, *shape] and the log-density of the test points [m], by the protocol of the spec."""
    units = Standardiser.fit(splits.train) if dataset.kind == "table" else Standardiser.identity(dataset.shape)
    points, test = (units.forward(x).reshape(len(x), -1) for x in (samples, splits.test))
    seed, protocol = stream(spec.seed, "evaluation"), Protocol(**spec.protocol)
    return evaluate(Evidence(dataset, points, test, log_prob, seed, protocol), spec.metrics)
