"""Distances of log p_true between samples and truth, and Stein's discrepancy, against closed forms."""

import numpy as np
import pytest
import torch

from genbench import load_dataset
from genbench.contracts.evidence import Evidence
from genbench.metrics.ksd import ksd, stein_discrepancy
from genbench.metrics.typicality import typicality, typicality_ks


def evidence(dataset, samples, n=20_000):
    return Evidence(dataset, samples, dataset.sample(n, seed=99).reshape(n, -1), None, seed=0)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_typicality_of_a_scaled_gaussian(factor):
    """−log p is ½ χ²(2) + c for the truth and factor² times that for the model, so W1 is |factor² − 1| · 1 nat."""
    dataset = load_dataset("stretched_gaussian")
    x = factor * dataset.sample(50_000, seed=1)
    # Standard errors of both means of log p: factor² / √50,000 and 1 / √20,000, 0.01 together at most.
    assert typicality(evidence(dataset, x)).value == pytest.approx(abs(factor**2 - 1), abs=0.05)
    # P(½ χ² > t) = e^−t against e^−t/a with a = factor²: the gap is largest at t = a log a / (a − 1).
    a = factor**2
    t = a * np.log(a) / (a - 1)
    assert typicality_ks(evidence(dataset, x)) == pytest.approx(abs(np.exp(-t / a) - np.exp(-t)), abs=0.02)


def test_a_gaussian_of_the_right_covariance_is_seen_in_64_dimensions():
    """Where projections see nothing: thirty-two rotated moons are 51 nats from a Gaussian of their covariance."""
    dataset = load_dataset("product", copies=32)
    truth = dataset.sample(20_000, seed=3)
    root = np.linalg.cholesky(np.cov(truth.T))
    gaussian = truth.mean(axis=0) + np.random.default_rng(0).standard_normal((5_000, 64)) @ root.T
    right, wrong = (evidence(dataset, x, 5_000) for x in (truth[:5_000], gaussian))
    assert typicality(wrong).value > 1_000 * typicality(right).value
    assert typicality_ks(wrong) > 0.99
    assert ksd(wrong).value > 100 * abs(ksd(right).value)


def test_off_the_support():
    board = load_dataset("checkerboard")
    x = np.concatenate([board.sample(950), np.full((50, 2), 9.0)])
    score = typicality(evidence(board, x))
    assert score.value == np.inf
    assert score.flag == "5 % of the samples lie off the support"
    assert typicality_ks(evidence(board, x)) == pytest.approx(0.05)
    assert "true_score" not in evidence(board, x).has, "the density jumps"
    x = np.concatenate([load_dataset("log_normal", dim=2).sample(99), -np.ones((1, 2))])
    assert ksd(evidence(load_dataset("log_normal", dim=2), x)).flag == "1 % of the samples lie off the support"


def test_stein_kernel_is_what_autograd_makes_of_its_definition():
    """E over x ≠ y of s(x)ᵀ k s(y) + s(x)ᵀ ∇_y k + s(y)ᵀ ∇_x k + tr ∇_x ∇_y k, pair by pair."""
    rng = np.random.default_rng(0)
    x, score, c = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), 1.7

    def kernel(a, b):
        return (c**2 + (a - b).square().sum()).rsqrt()

    total = 0.0
    for i, j in np.ndindex(6, 6):
        if i == j:
            continue
        a, b = (torch.tensor(x[k], requires_grad=True) for k in (i, j))
        at_a, at_b = torch.autograd.grad(kernel(a, b), (a, b), create_graph=True)
        trace = sum(torch.autograd.grad(at_a[k], b, retain_graph=True)[0][k] for k in range(3))
        sa, sb = (torch.tensor(score[k]) for k in (i, j))
        total += float((sa @ sb * kernel(a, b) + sa @ at_b + sb @ at_a + trace).detach())
    assert stein_discrepancy(x, score, c) == pytest.approx(total / 30)


def test_ksd_is_around_0_for_the_truth():
    """The mean over 20 draws is within 4 standard errors of 0: false alarms once in 10,000 or so."""
    dataset = load_dataset("student_t", dof=5.0, dim=3)
    values = np.array([ksd(evidence(dataset, dataset.sample(500, seed=k), 1_000)).value for k in range(20)])
    assert abs(values.mean()) < 4 * values.std(ddof=1) / np.sqrt(20)
    moved = ksd(evidence(dataset, dataset.sample(500, seed=0) + 0.5, 1_000)).value
    assert moved > values.max()


def test_score_by_differences():
    dataset = load_dataset("stretched_gaussian")
    x = dataset.sample(50)
    z = x @ dataset.axes.T / [dataset.long**2, dataset.short**2]
    np.testing.assert_allclose(dataset.score(x), -z @ dataset.axes, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "params"), [("product", {"copies": 3}), ("noisy", {"dim": 5})])
def test_scores_in_closed_form_are_those_by_differences(name, params):
    dataset = load_dataset(name, **params)
    x = dataset.sample(50)
    by_differences = super(type(dataset), dataset).score(x)
    np.testing.assert_allclose(dataset.score(x), by_differences, rtol=1e-4, atol=1e-4 * np.abs(by_differences).max())
