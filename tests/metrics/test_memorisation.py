"""memorisation under the null, where it must be silent, and on models that copy, where it must not."""

import numpy as np
import pytest

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.memorisation import Hits, copies, memorisation


class Space(SyntheticDataset):
    def __init__(self, d):
        self.shape = (d,)


def evidence(samples, train, test, seed=0) -> Evidence:
    samples = samples.astype(np.float32).astype(np.float64)  # as they are kept
    return Evidence(Space(train.shape[1]), samples, test, None, seed=seed, train=train)


def splits(d=2, k=2_000, m=1_000, seed=0):
    rng = np.random.default_rng([seed, d])
    return rng, rng.normal(size=(k, d)), rng.normal(size=(m, d))


def naive_share(samples, train, test):
    d = np.linalg.norm(samples[:, None] - np.concatenate([train, test])[None], axis=-1)
    return (d.argmin(axis=1) < len(train)).mean()


@pytest.mark.parametrize("d", [1, 2, 16])
@pytest.mark.parametrize(("k", "m"), [(300, 300), (600, 200), (100, 400)])
def test_equals_the_naive_share(d, k, m):
    rng, train, test = splits(d, k, m)
    samples = np.concatenate([rng.normal(size=(200, d)), train[:50] + 0.01])
    fact = evidence(samples, train, test)
    s = naive_share(fact.samples, train, test)
    assert memorisation(fact).value == pytest.approx(s / k / (s / k + (1 - s) / m), abs=1e-12)


@pytest.mark.parametrize("d", [1, 2, 16])
@pytest.mark.parametrize(("k", "m"), [(200, 200), (300, 100)])
def test_null(d, k, m):
    """z-scores have variance 1 (χ² with 300 degrees: ±0.33 is 4 s.e.), mean 0 (±0.25 is 4.3 s.e.), and none is flagged.

    A flag needs |z| > 4, which chance gives once in 16,000 times: 300 repeats have one in 2 % of the seeds, and the
    check on the flags' rate, at most 1 %, fails by chance once in 10⁷.
    """
    z, flags = [], 0
    for seed in range(300):
        rng, train, test = splits(d, k, m, seed)
        score = memorisation(evidence(rng.normal(size=(400, d)), train, test))
        z.append((score.value - 0.5) / score.standard_error)
        flags += score.flag is not None
    assert abs(np.mean(z)) < 0.25
    assert np.var(z) == pytest.approx(1, abs=0.33)
    assert flags <= 3


def test_variance_equals_that_of_dealt_labels():
    """The closed form against 20,000 permutations of the labels: 4 s.e. of a standard deviation are 2 %."""
    rng = np.random.default_rng(0)
    c = rng.poisson(rng.gamma(0.5, 3, size=80)).astype(float)
    score, z = Hits(c[:50], c[50:]).score()
    p = 50 / 80
    dealt = np.array([rng.permutation(c)[:50].sum() for _ in range(20_000)]) / c.sum()
    assert dealt.mean() == pytest.approx(p, abs=4 * dealt.std() / np.sqrt(20_000))
    assert score.standard_error * 4 * p * (1 - p) == pytest.approx(dealt.std(), rel=0.02)
    assert z == pytest.approx((c[:50].sum() / c.sum() - p) / dealt.std(), rel=0.03, abs=0.02)
    equal, _ = Hits(c[:40], c[40:]).score()
    expected = (np.square(c).sum() - c.sum() ** 2 / 80) / c.sum() ** 2 / 4 * 80 / 79
    assert equal.standard_error == pytest.approx(np.sqrt(expected), rel=1e-12)
    assert equal.value == pytest.approx(c[:40].sum() / c.sum(), rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 16])
def test_a_memoriser(d):
    rng, train, test = splits(d)
    copied = memorisation(evidence(train[rng.integers(0, len(train), 3_000)], train, test))
    assert copied.value > 0.99
    assert copied.flag == (
        f"samples lie closer to the training points than to held-out ones: {copied.value:.2f} instead of 0.5; "
        "100% of the samples are copies of training points"
    )
    jitter = 1e-3 * rng.normal(size=(3_000, d))
    jittered = memorisation(evidence(train[rng.integers(0, len(train), 3_000)] + jitter, train, test))
    assert jittered.value > (0.6 if d == 1 else 0.95)  # on the line the points are as near to each other as the jitter
    assert "closer to the training points" in jittered.flag
    assert "copies of training points" not in jittered.flag


@pytest.mark.parametrize("d", [1, 2, 16])
def test_a_leak(d):
    rng, train, test = splits(d)
    score = memorisation(evidence(test[rng.integers(0, len(test), 3_000)], train, test))
    assert score.value < 0.01
    assert "closer to the test points than to training ones" in score.flag
    assert score.flag.endswith("100% of the samples are copies of test points: a leak")


def test_a_share_of_copies():
    """Of 37 % copies and 63 % fresh draws, 0.37 + 0.63 · ⅔ have a training point nearest, of which there are twice as many."""
    rng, train, test = splits(2)
    samples = np.concatenate([train[:370], rng.normal(size=(630, 2))])
    score = memorisation(evidence(samples, train, test))
    s = 0.37 + 0.63 * 2 / 3
    assert score.value == pytest.approx(s / 2 / (s / 2 + (1 - s)), abs=0.07)
    assert score.flag.endswith("37% of the samples are copies of training points")


def test_copies_in_both_splits_count_half():
    _, train, test = splits(2, 500, 500)
    test[:] = train
    score = memorisation(evidence(train, train, test))
    assert score.value == 0.5
    assert score.flag is None


def test_rounded_data_coincide_by_chance():
    """On a lattice every sample is a copy of points of both splits, and nothing is to be said."""
    rng, train, test = splits(2)
    score = memorisation(evidence(np.round(rng.normal(size=(2_000, 2)), 1), np.round(train, 1), np.round(test, 1)))
    assert score.value == pytest.approx(0.5, abs=0.1)
    assert score.flag is None or "copies" not in score.flag


def test_few_copies_are_chance():
    some, none = np.arange(100) < 3, np.zeros(100, dtype=bool)
    assert copies(some, none, odds=3) == []
    assert copies(np.arange(100) < 4, none, odds=3) == ["4% of the samples are copies of training points"]
    assert copies(none, np.arange(100) < 4, odds=3) == ["4% of the samples are copies of test points: a leak"]
    assert copies(np.arange(100) < 40, np.arange(100) < 14, odds=1) == []


def test_only_where_the_training_points_are_at_hand():
    _, train, test = splits()
    fact = evidence(train, train, test)
    fact.train = None
    assert "train" not in fact.has
