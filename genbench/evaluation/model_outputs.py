"""What a fitted model shows of itself, and how that is scored: the same for a new trial and for one that is rescored.

Distances are in the data's own units; in a table each column has its own, so there they are in standard deviations of
the training split. Likelihoods are in nats of the data's own units, always.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genbench.contracts.dataset import Dataset, Splits, SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.evaluation.evaluator import evaluate
from genbench.numerics.standardiser import Standardiser
from genbench.storage.evaluation import Evaluation
from genbench.storage.records import TrialSpec

__all__ = ["Shown", "draw", "floor", "score"]

FLOOR_DRAWS = 4  # sample sets over which the oracle's scores are averaged: their noise would be in every quotient


@dataclass(frozen=True)
class Shown:
    """All that the metrics see of a model; it is kept on disk as it is, so that the trial can be scored again.

    Attributes:
        samples: points [n, *shape], of float32 precision.
        test_log_prob: the model's log-density of the test points [m] in nats, or None.
        samples_log_prob: its log-density of the first few samples [k] in nats, or None.
        likelihood: what these densities are.
    """

    samples: Array
    test_log_prob: Array | None = None
    samples_log_prob: Array | None = None
    likelihood: str = "none"

    @classmethod
    def of(cls, arrays: Mapping[str, Array], likelihood: str) -> Shown:
        """Return what was kept on disk."""
        return cls(arrays["samples"], arrays.get("test_log_prob"), arrays.get("samples_log_prob"), likelihood)

    @property
    def arrays(self) -> dict[str, Any]:
        """What is kept on disk, by name."""
        found: dict[str, Any] = {"samples": self.samples.astype(np.float32)}
        for name in ("test_log_prob", "samples_log_prob"):
            if (values := getattr(self, name)) is not None:
                found[name] = values
        return found


def draw(estimator: Estimator, dataset: Dataset, splits: Splits, protocol: Protocol, seed: int) -> Array:
    """Return as many samples [n, *shape] as the protocol asks for; of real data not more than there are test points.

    They are rounded to float32, in which they are kept: what is scored is what is stored.
    """
    n = protocol.samples if isinstance(dataset, SyntheticDataset) else min(protocol.samples, len(splits.test))
    return estimator.sample(n, seed=seed).astype(np.float32).astype(np.float64)


def densities(estimator: Estimator, samples: Array, splits: Splits, protocol: Protocol, seed: int) -> Shown:
    """Return the samples with the model's log-density of the test points and of the first samples, if it has one."""
    if estimator.card.likelihood != "none":
        with contextlib.suppress(NotImplementedError):  # the oracle of real data knows no density
            test = estimator.log_prob(splits.test, seed=seed)
            own = estimator.log_prob(samples[: protocol.densities], seed=stream(seed, "own"))
            return Shown(samples, test, own, estimator.likelihood)
    return Shown(samples)


def score(spec: TrialSpec, dataset: Dataset, splits: Splits, shown: Shown) -> Evaluation:
    """Score what a model showed by the metrics and the protocol of a spec."""
    arrays = [shown.samples, splits.test, splits.train]
    if dataset.kind == "table":
        arrays = [Standardiser.fit(splits.train).forward(x) for x in arrays]
    points, test, train = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in arrays)
    evidence = Evidence(
        dataset,
        points,
        test,
        shown.test_log_prob,
        stream(spec.seed, "evaluation"),
        spec.protocol,
        train,
        shown.samples_log_prob,
        shown.likelihood,
    )
    return evaluate(evidence, spec.metrics)


def floor(spec: TrialSpec, estimator: Estimator, dataset: Dataset, splits: Splits, shown: Shown) -> list[Evaluation]:
    """Return the scores of what the oracle showed, then of further draws.

    Its score is their mean, and their spread is what a score owes to the luck of one draw.
    """
    protocol = spec.protocol
    evaluations = [score(spec, dataset, splits, shown)]
    if isinstance(dataset, SyntheticDataset):
        for k in range(1, FLOOR_DRAWS):
            seed = stream(spec.seed, "floor", k)
            more = draw(estimator, dataset, splits, protocol, seed)
            evaluations.append(score(spec, dataset, splits, densities(estimator, more, splits, protocol, seed)))
    return evaluations
