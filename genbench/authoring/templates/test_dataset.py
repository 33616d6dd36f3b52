"""Tests of my_data: python -m pytest test_my_data.py."""

from pathlib import Path

import numpy as np
import pytest

import genbench

PLUGIN = str(Path(__file__).with_name("my_data.py"))
DATA = genbench.load_dataset("my_data", plugins=[PLUGIN])


def test_it_draws_points() -> None:
    x = DATA.sample(1_000, seed=0)
    assert x.shape == (1_000, *DATA.shape)
    assert np.isfinite(x).all()
    assert np.array_equal(x, DATA.sample(1_000, seed=0))
    assert not np.array_equal(x, DATA.sample(1_000, seed=1))


def test_its_density_is_that_of_its_points() -> None:
    if not DATA.has_density or DATA.shape != (2,):
        pytest.skip("it has no density in the plane")
    x = DATA.sample(20_000)
    lines = [np.linspace(low - 1, high + 1, 400) for low, high in zip(x.min(axis=0), x.max(axis=0), strict=True)]
    log_p = DATA.log_prob(np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2))
    p = np.exp(log_p) * np.prod([line[1] - line[0] for line in lines])
    assert abs(p.sum() - 1) < 0.02, "it integrates to 1"
    here = DATA.log_prob(x)
    expected = (p * np.where(p > 0, log_p, 0)).sum()
    assert abs(here.mean() - expected) < 5 * here.std() / np.sqrt(len(x)) + 0.01, "by chance once in a million"
