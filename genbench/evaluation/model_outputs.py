"""The outputs of a fitted model for the metrics, and their scores.

They are the same for new trials and for stored ones.

Distances are in the data's own units. In a table, each column has its own unit, so there they are in standard
deviations of the training split. Likelihoods are always in nats of the data's own units.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.optional_methods import SupportsScore, supports
from genbench.core.seeding import stream
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.evaluation.evaluator import evaluate
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.evaluation.self_consistency import asks_for_densities, asks_for_score, asks_for_shares, shares_of
from genbench.numerics.standardiser import Standardiser
from genbench.storage.evaluation import Evaluation

__all__ = ["ModelOutputs", "draw", "draw_all", "draw_with_densities", "lacks", "score", "score_trial", "with_lacking"]

# Sample sets over which the oracle's scores are averaged. Its noise is in every quotient by them: the mean of four has
# half of it, for four times the seconds of one row.
ORACLE_DRAWS = 4
SCORED = 1_000  # test points, by hand: the mean of as many squares is known to a few per cent
OPTIONAL = ("test_log_prob", "samples_log_prob", "test_score", "shares")  # arrays that not every model has


@dataclass(frozen=True)
class ModelOutputs:
    """The outputs of a model that metrics use.

    They are stored unchanged, so that the trial can be scored again.

    Attributes:
        samples: points [n, *shape], float64; images have float32 precision.
        test_log_prob: the model's log-density at the first few test points [m] in nats, or None.
        samples_log_prob: its log-density at the first few samples [k] in nats, or None.
        likelihood: the kind of the model's log-densities, also where none are computed.
        test_score: ∇ log p of the model at the first few test points [j, *shape], or None.
        shares: the shares of samples and density in regions [regions, 3], from `region_shares`, or None.
    """

    samples: Array
    test_log_prob: Array | None = None
    samples_log_prob: Array | None = None
    likelihood: str = "none"
    test_score: Array | None = None
    shares: Array | None = None

    @classmethod
    def of(cls, arrays: Mapping[str, Array], likelihood: str) -> ModelOutputs:
        """Return the outputs from the arrays that were stored."""
        return cls(arrays["samples"], likelihood=likelihood, **{name: arrays.get(name) for name in OPTIONAL})

    @property
    def arrays(self) -> dict[str, Any]:
        """The arrays to store, by name."""
        known = {name: values for name in OPTIONAL if (values := getattr(self, name)) is not None}
        single = self.samples.astype(np.float32)  # half the size, where that loses nothing
        return {"samples": single if np.array_equal(single, self.samples) else self.samples, **known}

    def first(self, protocol: Protocol) -> ModelOutputs:
        """Return the part of the outputs that a protocol asks for."""
        own = self.samples_log_prob
        few = None if own is None else own[: min(protocol.samples, protocol.densities)]
        test = None if self.test_log_prob is None else self.test_log_prob[: protocol.tested]
        return replace(self, samples=self.samples[: protocol.samples], test_log_prob=test, samples_log_prob=few)


def draw(trial: ResolvedTrial, estimator: Estimator, seed: int) -> Array:
    """Return as many samples [n, *shape] as the protocol asks for.

    They are rounded to the precision in which they are stored, so that the stored samples have the same scores.
    """
    return estimator.sample(trial.sample_size, seed=seed).astype(trial.dataset.precision).astype(np.float64)


def with_densities(trial: ResolvedTrial, estimator: Estimator, samples: Array, seed: int) -> ModelOutputs:
    """Return the samples with the model's log-density at the first test points and samples.

    There is none if the model has no density, or if no metric of the trial needs it.
    """
    if trial.model.likelihood != "none":
        if not asks_for_densities(trial):
            return ModelOutputs(samples, likelihood=estimator.likelihood)
        with contextlib.suppress(NotImplementedError):  # the oracle of real data knows no density
            test = estimator.log_prob(trial.splits.test[: trial.protocol.tested], seed=seed)
            own = estimator.log_prob(samples[: trial.protocol.densities], seed=stream(seed, "own"))
            return ModelOutputs(samples, test, own, estimator.likelihood)
    return ModelOutputs(samples)


def draw_with_densities(trial: ResolvedTrial, estimator: Estimator, seed: int) -> ModelOutputs:
    """Return samples and log-densities of a fitted model."""
    return with_densities(trial, estimator, draw(trial, estimator, seed), seed)


def lacks(trial: ResolvedTrial, outputs: ModelOutputs) -> set[str]:
    """Return which outputs are missing that metrics of the trial need.

    They are "test_score" and "shares", which only the model itself can add.
    """
    shares = asks_for_shares(trial) and outputs.likelihood == "exact" and outputs.samples_log_prob is not None
    score = asks_for_score(trial) and supports(trial.model.factory, SupportsScore)
    wanted = {"shares": shares, "test_score": score}
    return {name for name, asked in wanted.items() if asked and getattr(outputs, name) is None}


def with_lacking(trial: ResolvedTrial, estimator: Estimator, outputs: ModelOutputs, seed: int) -> ModelOutputs:
    """Return the outputs with the missing ones added: shares, and the model's score.

    The shares are for the test of self-consistency.
    """
    lacking = lacks(trial, outputs)
    if "shares" in lacking and outputs.samples_log_prob is not None:
        shares = shares_of(trial, estimator, outputs.samples, outputs.samples_log_prob, stream(seed, "shares"))
        outputs = replace(outputs, shares=shares)
    if "test_score" in lacking:
        with contextlib.suppress(NotImplementedError):  # such as of probabilities of grey levels
            scored = trial.splits.test[: min(SCORED, trial.protocol.tested)]
            outputs = replace(outputs, test_score=estimator.score(scored, seed=stream(seed, "score")))
    return outputs


def draw_all(trial: ResolvedTrial, estimator: Estimator, seed: int) -> ModelOutputs:
    """Return all outputs of a fitted model that the metrics of a trial use."""
    return with_lacking(trial, estimator, draw_with_densities(trial, estimator, seed), seed)


def score(trial: ResolvedTrial, outputs: ModelOutputs) -> Evaluation:
    """Return the scores of one set of outputs, by the metrics and the protocol of a trial."""
    splits = trial.splits
    arrays = [outputs.samples, splits.test, splits.train]
    if trial.dataset.kind == "table":
        arrays = [Standardiser.fit(splits.train).forward(x) for x in arrays]
    points, test, train = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in arrays)
    evidence = Evidence(
        trial.dataset,
        points,
        test,
        outputs.test_log_prob,
        stream(trial.spec.seed, "evaluation"),
        trial.protocol,
        train,
        outputs.samples_log_prob,
        outputs.likelihood,
        None if outputs.test_score is None else outputs.test_score.reshape(len(outputs.test_score), -1),
        outputs.shares,
    )
    return evaluate(evidence, trial.spec.metrics)


def score_trial(trial: ResolvedTrial, estimator: Estimator, outputs: ModelOutputs) -> Evaluation:
    """Return the scores of the outputs of a trial.

    If the truth can be drawn, the oracle's score is the mean over several draws.

    The spread of these draws shows how much a score depends on the draw.
    """
    if not trial.of_oracle or not isinstance(trial.dataset, SyntheticDataset):
        return score(trial, outputs)
    seeds = [stream(trial.spec.seed, "floor", k) for k in range(1, ORACLE_DRAWS)]
    # without densities where these outputs have none: a sweep scores samples alone
    again = _samples_alone if outputs.test_log_prob is None and outputs.test_score is None else draw_all
    return Evaluation.mean([score(trial, outputs), *(score(trial, again(trial, estimator, seed)) for seed in seeds)])


def _samples_alone(trial: ResolvedTrial, estimator: Estimator, seed: int) -> ModelOutputs:
    return ModelOutputs(draw(trial, estimator, seed))
