"""The task `generate`: load the data, fit, sample, score."""

from __future__ import annotations

import time
from collections.abc import Callable

from genbench import judge
from genbench.dataset import Dataset, Sizes
from genbench.estimator import Estimator
from genbench.evaluation import Evaluation
from genbench.metric import Protocol
from genbench.parameters import create
from genbench.record import Cost, TrialSpec
from genbench.registry import REGISTRY
from genbench.seeding import stream
from genbench.tasks import Outcome

__all__ = ["run"]


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
    samples = judge.draw(estimator, dataset, splits, protocol, spec.seed)
    sampled = time.perf_counter()

    stage("log_prob")
    shown = judge.densities(estimator, samples, splits, protocol, spec.seed)
    diagnostics = estimator.diagnose(splits.test, seed=spec.seed)
    judged = time.perf_counter()

    stage("score")
    if card.role == "oracle":
        parts = judge.floor(spec, estimator, dataset, splits, shown)
    else:
        parts = [judge.score(spec, dataset, splits, shown)]
    evaluation = Evaluation.mean(parts)
    known = shown.test_log_prob is not None
    return Outcome(
        metrics=evaluation.metrics,
        standard_errors=evaluation.standard_errors,
        flags=evaluation.flags,
        draws=evaluation.draws,
        diagnostics=diagnostics,
        likelihood=shown.likelihood,
        history=estimator.history.rows,
        arrays=shown.arrays,
        weights=estimator.weights(),
        cost=Cost(
            train_seconds=fitted - begin,
            steps=estimator.history.steps or None,
            sample_seconds=sampled - fitted,
            samples_per_second=len(samples) / (sampled - fitted),
            log_prob_seconds=judged - sampled if known else None,
            score_seconds=time.perf_counter() - judged,
            parameters=estimator.parameters,
            nfe=estimator.nfe,
        ),
    )
