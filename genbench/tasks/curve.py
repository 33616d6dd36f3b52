"""The task `curve`: as `generate`, with the model scored on the way, for quality against training time.

The learning rate falls along a cosine over the whole budget, so a model that is seen at a quarter of it is not what a
quarter of the budget would have given: that one's rate would have fallen to 0 by then. A curve shows one training; what
shorter budgets give, only shorter runs tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from genbench import judge
from genbench.dataset import Dataset, Sizes, Splits
from genbench.estimator import Estimator
from genbench.evaluation import Evaluation
from genbench.metric import Protocol
from genbench.parameters import create
from genbench.record import Cost, TrialSpec
from genbench.registry import REGISTRY
from genbench.seeding import stream
from genbench.tasks import Outcome
from genbench.training import Snapshots

__all__ = ["run"]

SHARES = tuple(2.0**-k for k in range(6, -1, -1))  # of the training: 1/64, 1/32, … 1
CHEAP = ("sliced_w2", "kl", "nll")  # seconds matter where seven models are scored instead of one
SAMPLES, TEST = 10_000, 2_000  # samples and test points of a snapshot


def run(spec: TrialSpec, stage: Callable[[str], None], progress: bool = False) -> Outcome:
    """Run one trial, with a row of cheap scores at each of the `SHARES`; the final scores are those of `generate`.

    A row has the share of the training that is done, its steps and seconds (the scoring left out), and the scores of
    the averaged weights at that moment. A model that the engine does not train has one row.

    Raises:
        GenbenchError and whatever a plugin raises; `stage` says where.
    """
    stage("load")
    dataset: Dataset = create(REGISTRY["datasets"][spec.dataset_name], spec.dataset_params)
    splits = dataset.splits(stream(spec.seed, "data"), Sizes(Protocol(**spec.protocol).train))
    estimator = Estimator(REGISTRY["models"][spec.model_name], spec.params)
    rows: list[dict[str, float]] = []

    def take(present: Estimator, share: float, steps: int, seconds: float) -> None:
        scores = _score(spec, present, dataset, splits)
        rows.append({"share": share, "steps": steps, "train_seconds": seconds, **scores})

    stage("fit")
    begin = time.perf_counter()
    if estimator.card.role == "oracle":
        estimator.reveal(dataset, splits)
    else:
        estimator.fit(
            splits.train,
            splits.validation,
            kind=dataset.kind,
            seed=spec.seed,
            budget=spec.budget,
            progress=progress,
            snapshots=Snapshots(SHARES, take),
        )
    seconds = rows[-1]["train_seconds"] if rows else time.perf_counter() - begin
    if not rows:
        take(estimator, 1.0, 0, seconds)
    return _finish(spec, stage, estimator, dataset, splits, rows, seconds)


def _finish(
    spec: TrialSpec,
    stage: Callable[[str], None],
    estimator: Estimator,
    dataset: Dataset,
    splits: Splits,
    rows: list[dict[str, float]],
    train_seconds: float,
) -> Outcome:
    """Sample and score the trained model by the whole protocol."""
    protocol = Protocol(**spec.protocol)
    stage("sample")
    begin = time.perf_counter()
    samples = judge.draw(estimator, dataset, splits, protocol, spec.seed)
    sampled = time.perf_counter()

    stage("log_prob")
    shown = judge.densities(estimator, samples, splits, protocol, spec.seed)
    diagnostics = estimator.diagnose(splits.test, seed=spec.seed)
    judged = time.perf_counter()

    stage("score")
    oracle = estimator.card.role == "oracle"
    parts = (
        judge.floor(spec, estimator, dataset, splits, shown) if oracle else [judge.score(spec, dataset, splits, shown)]
    )
    cost = Cost(
        train_seconds=train_seconds,
        steps=estimator.history.steps or None,
        sample_seconds=sampled - begin,
        samples_per_second=len(samples) / (sampled - begin),
        log_prob_seconds=judged - sampled if shown.test_log_prob is not None else None,
        score_seconds=time.perf_counter() - judged,
        parameters=estimator.parameters,
        nfe=estimator.nfe,
    )
    evaluation: dict[str, Any] = vars(Evaluation.mean(parts))
    return Outcome(
        **evaluation,
        diagnostics=diagnostics,
        likelihood=shown.likelihood,
        history=estimator.history.rows,
        curve=rows,
        arrays=shown.arrays,
        weights=estimator.weights(),
        cost=cost,
    )


def _score(spec: TrialSpec, present: Estimator, dataset: Dataset, splits: Splits) -> dict[str, float]:
    """Return the cheap ones of the metrics asked for, of fewer samples and test points; the first if none is cheap."""
    metrics = tuple(name for name in spec.metrics if name in CHEAP) or spec.metrics[:1]
    protocol = Protocol(**spec.protocol)
    protocol = replace(protocol, samples=min(protocol.samples, SAMPLES), densities=1)
    brief = spec.model_copy(update={"metrics": metrics, "protocol": asdict(protocol)})
    few = replace(splits, test=splits.test[:TEST])
    shown = judge.Shown(judge.draw(present, dataset, few, protocol, spec.seed))
    if any("density" in REGISTRY["metrics"][name].needs for name in metrics):
        shown = judge.densities(present, shown.samples, few, protocol, spec.seed)
    scores = judge.score(brief, dataset, few, shown).metrics
    return {name: value for name, value in scores.items() if value is not None}
