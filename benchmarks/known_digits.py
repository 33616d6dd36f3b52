"""Fit the truth of `known_digits`: for each digit a mixture of factor analysers, by EM, to scikit-learn's digits.

    python benchmarks/known_digits.py

writes datasets/known_digits.safetensors. EM is that of Ghahramani & Hinton (1996) with a variance of the noise for each
pixel and analyser, kept above FLOOR: many pixels are always white.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

ANALYSERS, FACTORS = 3, 8  # of each digit
FLOOR = 0.02**2  # least variance of a pixel's noise, in grey levels of [0, 1]: a third of one of the 17 levels
ITERATIONS = 200


def fit(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return weights [k], means [k, d], loadings [k, d, r] and variances [k, d] for points x [n, d]."""
    n, d = x.shape
    hard = KMeans(ANALYSERS, n_init=10, random_state=0).fit_predict(x)
    shares = np.eye(ANALYSERS)[hard]
    loadings = 0.1 * rng.standard_normal((ANALYSERS, d, FACTORS))
    noise = np.full((ANALYSERS, d), max(x.var(), FLOOR))
    before = -np.inf
    for _ in range(ITERATIONS):
        weights = shares.mean(axis=0)
        means = np.empty((ANALYSERS, d))
        log_parts = np.empty((n, ANALYSERS))
        for k in range(ANALYSERS):
            w = shares[:, k] / shares[:, k].sum()
            means[k] = w @ x
            z = x - means[k]
            scatter = (w[:, None] * z).T @ z
            inner = np.eye(FACTORS) + (loadings[k].T / noise[k]) @ loadings[k]
            beta = np.linalg.solve(inner, loadings[k].T / noise[k])  # E[f | x] = beta z
            second = np.linalg.inv(inner) + beta @ scatter @ beta.T
            loadings[k] = scatter @ beta.T @ np.linalg.inv(second)
            noise[k] = np.maximum(np.diag(scatter) - ((loadings[k] @ beta) * scatter.T).sum(axis=1), FLOOR)
            covariance = loadings[k] @ loadings[k].T + np.diag(noise[k])
            root = np.linalg.cholesky(covariance)
            white = np.linalg.solve(root, z.T)
            log_parts[:, k] = np.log(weights[k]) - 0.5 * (white**2).sum(axis=0) - np.log(np.diag(root)).sum()
        log_p = np.logaddexp.reduce(log_parts, axis=1)
        shares = np.exp(log_parts - log_p[:, None])
        if log_p.mean() - before < 1e-6:
            break
        before = log_p.mean()
    return weights, means, loadings, noise


def main() -> None:
    rng = np.random.default_rng(0)
    levels, digits = load_digits(return_X_y=True)
    x = (levels + rng.random(levels.shape)) / 17  # 17 levels, dequantised
    parts = [fit(x[digits == digit], rng) for digit in range(10)]
    shares = np.bincount(digits) / len(digits)
    found = {
        "weights": np.concatenate([share * part[0] for share, part in zip(shares, parts, strict=True)]),
        "means": np.concatenate([part[1] for part in parts]),
        "loadings": np.concatenate([part[2] for part in parts]),
        "noise": np.concatenate([part[3] for part in parts]),
    }
    save_file(
        {name: values.astype(np.float32) for name, values in found.items()}
        | {"group": np.repeat(np.arange(10), ANALYSERS).astype(np.int32)},
        Path(__file__).parents[1] / "datasets" / "known_digits.safetensors",
    )


if __name__ == "__main__":
    main()
