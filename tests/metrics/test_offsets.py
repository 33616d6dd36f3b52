"""Scores do not depend on where the data lie: a Julian date or a time stamp in ms is as good as a number near 0."""

import math

import numpy as np
import pytest

import genbench
from genbench.contracts.dataset import SyntheticDataset
from genbench.contracts.evidence import Evidence, Protocol
from genbench.contracts.metric import select_metrics
from genbench.core.registry import discover
from genbench.evaluation.evaluator import evaluate

OFFSET = 2.0**30  # 1.07e9, a number to which multiples of 2⁻²⁰ can be added without rounding
GRID = 2.0**-20


class Shifted(SyntheticDataset):
    """Eight Gaussians somewhere else, on a fine grid."""

    def __init__(self, offset):
        self.truth, self.offset = genbench.load_dataset("eight_gaussians"), offset
        self.card, self.shape = self.truth.card, (2,)
        self.modes, self.mode_std = self.truth.modes + offset, self.truth.mode_std

    def draw(self, u, rng):
        x, y = self.truth.draw(u, rng)
        return np.round(x / GRID) * GRID + self.offset, y

    def log_density(self, x):
        return self.truth.log_density(x - self.offset)


def scores(offset):
    dataset = Shifted(offset)
    test, train = dataset.sample(2000, seed=1), dataset.sample(2000, seed=2)
    samples = np.round((dataset.sample(2000, seed=3) - offset) * 1.05 / GRID) * GRID + offset
    protocol = Protocol(samples=2000, set_size=500)
    own = dataset.log_prob(samples[:100])
    names = [card.name for card in select_metrics("zoo") if card.factory.__module__.startswith("genbench.")]
    return evaluate(Evidence(dataset, samples, test, dataset.log_prob(test), 0, protocol, train, own), names)


def test_every_metric_is_the_same_far_from_the_origin():
    discover(groups=("metrics",))
    near, far = scores(0.0), scores(OFFSET)
    assert sum(value is not None for value in near.metrics.values()) > 20
    for name, value in near.metrics.items():
        if value is None:
            assert far.metrics[name] is None, name
        else:
            assert math.isclose(value, far.metrics[name], rel_tol=1e-5, abs_tol=1e-9), name
    assert [flag.metric for flag in near.flags] == [flag.metric for flag in far.flags]


@pytest.mark.parametrize("offset", [2_460_311.0, 1.7e12])
def test_models_score_alike_on_a_table_of_dates(tmp_path, offset):
    """A table of two columns, one of them far from 0: the scores of the same table less its offset, to rounding."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.round(rng.normal(size=200) * 1000), rng.normal(size=200)])
    tables = []
    for name, shift in (("near", 0.0), ("far", offset)):
        np.save(tmp_path / f"{name}.npy", x + np.array([shift, 0.0]))
        run = genbench.run(
            "gaussian,gmm,kde", f"csv[path={tmp_path / name}.npy]", seeds=1, results=tmp_path, name=name, jobs=0,
            metrics="sliced_w2,w2,nll,energy,precision,coverage", progress=False, say=lambda _: None,
        )  # fmt: skip
        tables.append({(t.model, name): value for t in run.trials for name, value in t.metrics.items()})
        assert not [flag for trial in run.trials for flag in trial.flags]
    for row, value in tables[0].items():
        assert (value is None and tables[1][row] is None) or math.isclose(value, tables[1][row], rel_tol=1e-4), row
