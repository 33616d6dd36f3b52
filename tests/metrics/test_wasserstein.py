"""Exact and sliced 2-Wasserstein distances against closed forms and POT's own."""

import tracemalloc

import numpy as np
import ot
import pytest
from scipy.linalg import sqrtm

from genbench.contracts.evidence import Evidence, Protocol
from genbench.core.errors import GenbenchError
from genbench.metrics import transport as transport_file
from genbench.metrics.sliced_w2 import directions, sliced_w2, sliced_wasserstein
from genbench.metrics.transport import transport
from genbench.metrics.w2 import w2, wasserstein


def whitened(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Points whose empirical mean is 0 and whose empirical covariance is I, both exactly."""
    x = np.random.default_rng(seed).normal(size=(n, d))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / n)).T


@pytest.fixture(params=["all pairs", "few pairs"])
def solver(request, monkeypatch):
    """Both ways to call the network simplex: on the whole cost matrix, and from coarse to fine on some of its pairs."""
    monkeypatch.setattr(transport_file, "LARGEST_DENSE", 10**9 if request.param == "all pairs" else 20)


def test_w2_of_gaussians_is_bures(solver):
    """The optimal map between Gaussians is linear and the gradient of a convex function, so it is optimal for points too."""
    rng = np.random.default_rng(1)
    d, shift = 3, np.array([1.0, -2.0, 0.5])
    a, b = (m @ m.T + 0.1 * np.eye(d) for m in rng.normal(size=(2, d, d)))
    root = np.real(sqrtm(a))
    middle = np.real(sqrtm(root @ b @ root))
    transport = np.linalg.inv(root) @ middle @ np.linalg.inv(root)
    x = whitened(300, d) @ root
    y = x @ transport + shift
    bures = np.sqrt(shift @ shift + np.trace(a + b - 2 * middle))
    assert np.cov(y.T, bias=True) == pytest.approx(b, abs=1e-10)
    assert wasserstein(x, y[rng.permutation(len(y))]) == pytest.approx(bures, abs=1e-9)


def test_w2_of_a_shift_is_its_length(solver):
    x = np.random.default_rng(0).standard_t(3, size=(500, 2))
    assert wasserstein(x, x[::-1] + np.array([3.0, 4.0])) == pytest.approx(5, abs=1e-12)
    assert wasserstein(x + 1e6, x[::-1] + 1e6) < 1e-6


def test_w2_of_unequal_sizes_splits_mass(solver):
    """One point at 0 and at 3, against points at 0, 1 and 3 of mass 1/3: 1/6 moves by 1 and 1/6 moves by 2."""
    cost = wasserstein(np.array([[0.0], [3.0]]), np.array([[0.0], [1.0], [3.0]])) ** 2
    assert cost == pytest.approx(1 / 6 + 4 / 6, abs=1e-12)


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of point sets that are hard in one way each."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 400, 2))
    return {
        "two draws": (x, y),
        "unequal sizes": (x[:270], y),
        "no common divisor": (x, y[:397]),
        "another scale": (3 * x, y),
        "far away": (x, y + 1e3),
        "all in one place": (np.full((400, 2), 0.3), y),
        "five places": (np.repeat(x[:5], 80, axis=0), y),
        "many ties": (rng.integers(0, 6, (400, 2)).astype(float), rng.integers(0, 6, (400, 2)).astype(float)),
        "the same points": (x, rng.permutation(x)),
        "sorted": (x[np.argsort(x[:, 0])], y[np.argsort(-y[:, 0])]),
        "an outlier": (np.vstack([x[1:], [[1e4, 0]]]), y),
        "heavy tails": (rng.standard_cauchy((400, 2)), rng.standard_cauchy((400, 2))),
        "one dimension": (x[:, :1], y[:, :1]),
        "many dimensions": (rng.normal(size=(400, 20)), rng.normal(size=(400, 20))),
    }


@pytest.mark.parametrize("name", cases())
def test_few_pairs_give_the_optimum_of_all_pairs(name, monkeypatch):
    """POT on the whole cost matrix is the reference; the potentials prove the plan: none is beyond a cost, all are used."""
    x, y = cases()[name]
    cost = ot.dist(x, y)
    exact = ot.emd2([], [], cost)
    monkeypatch.setattr(transport_file, "LARGEST_DENSE", 30)
    found = transport(x, y)
    rounding = 1e-11 * cost.max()
    assert found.cost == pytest.approx(exact, rel=1e-9, abs=rounding)
    assert (cost - found.u[:, None] - found.v).min() >= -rounding
    assert found.u.mean() + found.v.mean() == pytest.approx(exact, rel=1e-9, abs=rounding)


def test_few_pairs_take_little_memory():
    """5,000 points have 200 MB of costs; the simplex on all of them takes five times that."""
    x, y = np.random.default_rng(0).normal(size=(2, 5000, 2))
    tracemalloc.start()
    transport_file._first_pairs(x, y, np.zeros(5000), np.zeros(5000))
    transport_file._pairs_below(x, y, np.ones(5000), np.zeros(5000), 0.0)
    assert tracemalloc.get_traced_memory()[1] < 60e6
    tracemalloc.stop()


def test_unfinished_transport_is_an_error(solver):
    x, y = np.random.default_rng(0).normal(size=(2, 200, 2))
    with pytest.raises(GenbenchError, match="not solved"):
        wasserstein(x, y, max_iterations=1)


def test_transport_of_nan_is_an_error_not_a_zero(solver):
    x, y = np.random.default_rng(0).normal(size=(2, 200, 2))
    x[7] = np.nan
    with pytest.raises(GenbenchError, match="not solved"):
        wasserstein(x, y)


def test_w2_is_the_mean_over_sets():
    evidence = Evidence(None, np.empty((0, 2)), np.empty((0, 2)), None, seed=0)
    x = np.random.default_rng(0).normal(size=(50, 2))
    evidence.sets = [(x, x + np.array([1.0, 0.0])), (x, x + np.array([0.0, 4.0]))]
    score = w2(evidence)
    assert score.value == pytest.approx(2.5, abs=1e-12)
    assert score.standard_error == pytest.approx(1.5, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1500, 1500), (1500, 400), (300, 1000)])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_sliced_w2_equals_pot(n, m, d):
    rng = np.random.default_rng(0)
    x, y, theta = rng.normal(size=(n, d)), 1.5 * rng.standard_t(4, size=(m, d)), directions(d, 33, rng)
    assert sliced_wasserstein(x, y, theta) == pytest.approx(
        ot.sliced_wasserstein_distance(x, y, projections=theta.T, p=2), abs=1e-6
    )


def test_sliced_w2_of_a_shift():
    """SW₂(X, X + c) = ‖c‖ / √d: for evenly spaced directions in the plane exactly, for random ones on average."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    assert sliced_wasserstein(x, x + np.array([3.0, 4.0]), directions(2, 7, rng)) == pytest.approx(
        5 / np.sqrt(2), rel=1e-7
    )
    d, count = 5, 20_000
    x, c = rng.normal(size=(4, d)), np.arange(1.0, d + 1)
    squared = sliced_wasserstein(x, x + c, directions(d, count, rng)) ** 2
    error = (
        c @ c * np.sqrt(2 * (d - 1) / (d**2 * (d + 2)) / count)
    )  # ⟨θ, c⟩² / ‖c‖² has a Beta(½, (d−1)/2) distribution
    assert abs(squared - c @ c / d) < 4 * error  # fails by chance once in 16,000 seeds


def test_directions_are_unit_vectors_and_seeded():
    for d in (1, 2, 3, 64):
        theta = directions(d, 20, np.random.default_rng(0))
        assert np.linalg.norm(theta, axis=1) == pytest.approx(1, abs=1e-12)
        assert (theta == directions(d, 20, np.random.default_rng(0))).all()


def test_sliced_w2_uses_the_same_directions_for_all_models():
    """Two models on one seed: with few directions, other ones would give the mirror image another score."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1000, 3))
    first, second = (Evidence(None, s, s, None, seed=5, protocol=Protocol(projections=2)) for s in (x, x[::-1]))
    first.reference = second.reference = y
    assert sliced_w2(first) == pytest.approx(sliced_w2(second), abs=1e-12)
