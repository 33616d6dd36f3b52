"""The classifier two-sample test: its error rate under the truth, and what it can see."""

import numpy as np
import pytest
from scipy.stats import binom

import genbench.metrics.c2st as module
from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.core.errors import GenbenchError
from genbench.metrics.c2st import c2st, c2st_auc, out_of_fold


class Nothing(SyntheticDataset):
    """A dataset that is never asked for anything."""

    shape = (2,)


def evidence(samples, test, seed: int = 0) -> Evidence:
    return Evidence(Nothing(), np.asarray(samples, float), np.asarray(test, float), None, seed=seed)


def test_rejects_the_truth_at_the_stated_rate(monkeypatch):
    """|z| > 1.96 in 5 % of 200 repeats: the bounds fail by chance once in 1,000 seeds each.

    With the naive standard error √(¼/N) it would be 12 % (accuracy) and 16 % (AUC), outside the bounds.
    """
    monkeypatch.setattr(module, "FREQUENCIES", 20)  # ten times as fast
    scores = []
    for seed in range(200):
        x = np.random.default_rng([seed, 1]).normal(size=(2, 500, 2))
        facts = evidence(x[0], x[1], seed)
        scores.append([c2st(facts), c2st_auc(facts)])
    z = np.array([[(score.value - 0.5) / score.standard_error for score in pair] for pair in scores])
    low, high = binom(200, 0.05).ppf([0.0005, 0.9995])
    for rejected in (np.abs(z) > 1.96).sum(axis=0):
        assert low <= rejected <= high
    assert np.all(np.abs(z.mean(axis=0)) < 3.5 / np.sqrt(200))  # by chance once in 2,000 seeds
    assert np.all(np.abs(z.std(axis=0, ddof=1) - 1) < 0.2)  # 4 standard errors


def test_separable_points_are_told_apart():
    x = np.random.default_rng(0).normal(size=(500, 2))
    far = evidence(x + 10, x)
    assert c2st(far).value == 1
    assert c2st_auc(far).value == 1
    wild = x.copy()
    wild[:20] *= 1e200  # an outlier does not drown what else there is to see
    assert c2st(evidence(wild + 3, x)).value > 0.9


def test_sees_what_no_linear_classifier_sees():
    """XOR: the same mean and covariance, modes on the other diagonal; and a plain change of variance."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1.0, 1.0], size=(2, 1000))
    noise = 0.3 * rng.normal(size=(2, 1000, 2))
    truth = np.column_stack([sign[0], sign[0]]) + noise[0]
    model = np.column_stack([sign[1], -sign[1]]) + noise[1]
    assert c2st(evidence(model, truth)).value > 0.98
    assert c2st_auc(evidence(model, truth)).value > 0.99
    x = rng.normal(size=(2, 1000, 2))
    wide = c2st(evidence(2 * x[0], x[1]))
    bayes = 0.5 + 0.5 * (np.exp(-np.log(4) / 3) - np.exp(-4 * np.log(4) / 3))  # at ‖x‖² = (8/3) log 4: 0.736
    assert bayes - 0.03 < wide.value < bayes + 4 * 0.011


def test_a_small_shift_scores_what_the_best_classifier_could():
    """Two normals δ apart: the best accuracy is Φ(δ/2), the best AUC Φ(δ/√2); a learner stays a little below."""
    x = np.random.default_rng(3).normal(size=(2, 5000, 2))
    facts = evidence(x[0] + 0.5 * np.eye(2)[0], x[1])
    assert 0.5987 - 0.02 < c2st(facts).value < 0.5987 + 0.02
    assert 0.6382 - 0.025 < c2st_auc(facts).value < 0.6382 + 0.025


def test_auc_is_the_share_of_ordered_pairs():
    x = np.random.default_rng(4).normal(size=(2, 50, 2))
    facts = evidence(np.round(x[0] + 0.3), np.round(x[1]))  # with ties
    truth, model = out_of_fold(facts)
    pairs = (truth[:, None] > model).mean() + 0.5 * (truth[:, None] == model).mean()
    assert c2st_auc(facts).value == pytest.approx(pairs, abs=1e-12)
    assert c2st(facts).value == pytest.approx(((truth > 0).mean() + (model < 0).mean()) / 2, abs=1e-12)


def test_the_same_evidence_gives_the_same_bits_and_too_little_is_refused():
    x = np.random.default_rng(5).normal(size=(2, 203, 3))
    assert c2st(evidence(x[0], x[1])) == c2st(evidence(x[0], x[1]))
    constant = np.concatenate([x, np.ones((2, 203, 1))], axis=2)
    assert 0 < c2st(evidence(constant[0], constant[1])).value < 1
    with pytest.raises(GenbenchError, match="at least 5"):
        c2st(evidence(x[0, :4], x[1]))
