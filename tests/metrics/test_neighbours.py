"""Nearest neighbours, and precision, recall, density and coverage, against the papers' definitions written out."""

import numpy as np
import pytest

from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence
from genbench.core.errors import GenbenchError
from genbench.metrics.density_coverage import coverage, density, expected_coverage
from genbench.metrics.neighbours import ball_counts, nearest, neighbours, radii
from genbench.metrics.precision_recall import K, precision, recall

DIMENSIONS = [1, 2, 8, 9, 16, 64]  # both sides of the border between tree and matrix product


class Normal(SyntheticDataset):
    def __init__(self, d):
        self.shape = (d,)


def evidence(samples, test) -> Evidence:
    return Evidence(Normal(samples.shape[1]), samples, test, None, seed=0)


def distances(x, y):
    """All distances [n, m], row by row, by differences."""
    return np.array([np.sqrt(((row - y) ** 2).sum(axis=1)) for row in x])


def naive_radii(x, k):
    d = distances(x, x)
    np.fill_diagonal(d, np.inf)
    return np.sort(d, axis=1)[:, k - 1]


def naive_scores(x, y):
    """Precision, recall, density and coverage of samples x and as many test points y; balls hold their sphere."""
    d, closed = distances(x, y), 1 + 1e-12
    in_test_balls = d <= closed * naive_radii(y, K)[None, :]
    in_sample_balls = d <= closed * naive_radii(x, K)[:, None]
    return (
        in_test_balls.any(axis=1).mean(),
        in_sample_balls.any(axis=0).mean(),
        in_test_balls.sum() / (K * len(x)),
        in_test_balls.any(axis=0).mean(),
    )


def clouds(kind, d, n=701):
    """Samples and test points [n, d] whose distances are easy, or tie, or drown in the rounding of a matrix product."""
    rng = np.random.default_rng(d)
    y = rng.normal(size=(n, d))
    x = 0.8 * rng.normal(size=(n, d)) + 0.1
    if kind == "copies":
        x = y[rng.integers(0, n // 8, n)]  # test points, many of them more often than K times
    if kind == "near copies":
        x = y + 1e-9 * rng.normal(size=(n, d))
    if kind == "collapse":
        x = np.tile(x[:1], (n, 1))
    if kind == "offset":
        x, y = x + 1e6, y + 1e6
    if kind == "outlier":
        x[5] = 1e9
    if kind == "lattice":
        x, y = np.round(x), np.round(y)
    return x, y


KINDS = ["plain", "copies", "near copies", "collapse", "offset", "outlier", "lattice"]


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_equal_the_naive_ones(kind, d):
    x, y = clouds(kind, d)
    for a, b in ((x, y), (y, x)):
        full = distances(a, b)
        expected = np.sort(full, axis=1)[:, :4]
        found, indices = neighbours(a, b, 4)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
        np.testing.assert_allclose(np.take_along_axis(full, indices, axis=1), expected, rtol=1e-12, atol=0)
        assert (np.diff(np.sort(indices, axis=1)) > 0).all()
        np.testing.assert_allclose(nearest(a, b)[0], expected[:, 0], rtol=1e-12, atol=0)
        np.testing.assert_allclose(radii(a, 5), naive_radii(a, 5), rtol=1e-12, atol=0)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_balls_equal_the_naive_ones(kind, d):
    x, y = clouds(kind, d)
    for points, centres in ((x, y), (y, x)):
        r = naive_radii(centres, 3)
        inside = distances(points, centres) <= r * (1 + 1e-12)
        per_ball, per_point = ball_counts(points, centres, r)
        np.testing.assert_array_equal(per_ball, inside.sum(axis=0))
        np.testing.assert_array_equal(per_point, inside.sum(axis=1))


@pytest.mark.parametrize("d", [2, 16])
def test_a_ball_holds_its_own_points_in_any_dimension(d):
    """k others and the centre: the k-th lies on the sphere, where a root that is squared again loses a digit."""
    x = np.random.default_rng(0).normal(size=(2_000, d))
    assert (ball_counts(x, x, radii(x, 5))[0] == 6).all()


def test_few_points():
    one = np.zeros((1, 2))
    with pytest.raises(ValueError, match="no 5-th nearest other point"):
        radii(np.zeros((5, 2)), 5)
    with pytest.raises(ValueError, match="no 2 nearest"):
        neighbours(one, one, 2)
    with pytest.raises(GenbenchError, match="at least 6"):
        precision(evidence(one, one))
    for d in (2, 20):
        x = np.random.default_rng(0).normal(size=(6, d))
        np.testing.assert_allclose(radii(x, 5), naive_radii(x, 5), rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_the_definitions(kind, d):
    x, y = clouds(kind, d)
    fact = evidence(np.concatenate([x, x + 100]), y)  # no more samples than test points count
    found = [metric(fact).value for metric in (precision, recall, density, coverage)]
    assert found == pytest.approx(naive_scores(x, y), abs=1e-12)


def test_the_counts_are_shared():
    x, y = clouds("plain", 2)
    fact = evidence(x, y)
    before = precision(fact)
    fact.samples = x + 100
    assert (precision(fact), recall(fact).value > 0) == (before, True)


def test_expected_coverage():
    assert expected_coverage(10_000, 5) == pytest.approx(1 - 2.0**-5, abs=1e-4)
    assert expected_coverage(2, 1) == pytest.approx(1 - 1 / 3)  # the nearest of three others is the other test point
    for d in (1, 2):  # whatever the distribution
        values = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            values.append(coverage(evidence(rng.normal(size=(40, d)), rng.normal(size=(40, d)))).value)
        error = np.std(values, ddof=1) / np.sqrt(200)
        assert abs(np.mean(values) - expected_coverage(40, K)) < 4 * error  # by chance once in 16,000 seeds


def test_a_perfect_model_is_not_flagged_and_a_collapsed_one_is():
    rng = np.random.default_rng(0)
    test = rng.normal(size=(2_000, 2))
    perfect = evidence(rng.normal(size=(2_000, 2)), test)
    assert coverage(perfect).value == pytest.approx(expected_coverage(2_000, K), abs=0.02)
    assert density(perfect).value == pytest.approx(1, abs=0.05)
    assert coverage(perfect).flag is None
    half = evidence(np.abs(rng.normal(size=(2_000, 2))), test)  # a quarter of the plane
    assert coverage(half).flag == f"coverage is {coverage(half).value:.2g}: samples reach " + (
        f"{coverage(half).value / expected_coverage(2_000, K):.0%} of what a perfect model's reach (a collapse)"
    )
    assert recall(half).value < 0.35
    assert precision(half).value > 0.95


def test_standard_errors():
    """Binomial, and true for a given set of test points: 200 repeats know a standard deviation to 5 %."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(300, 2))
    scores = [precision(evidence(1.5 * rng.normal(size=(300, 2)), y)) for _ in range(200)]
    values, errors = np.array([score[:2] for score in scores]).T
    np.testing.assert_allclose(errors, np.sqrt(values * (1 - values) / 299))
    assert values.std() == pytest.approx(errors.mean(), rel=0.2)  # 4 s.e.
