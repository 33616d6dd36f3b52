"""The task `curve`: the training of `generate`, looked at on the way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from weights import same_weights

import genbench
from genbench.contracts.recipe import Budget, Recipe
from genbench.contracts.torch_model import TorchModel
from genbench.core.errors import GenbenchError
from genbench.figures.curve import draw
from genbench.tasks.curve import SHARES
from genbench.training.trainer import Snapshots, TrainingOptions, train

SWEPT = str(Path(__file__).parents[1] / "plugins" / "swept.py")
OPTIONS = {"seeds": "3,", "budget": "64", "jobs": 0, "samples": 500, "progress": False, "say": lambda _: None}


class Mean(TorchModel):
    def build(self, shape):
        self.m = torch.nn.Parameter(torch.zeros(shape))

    def training_loss(self, x):
        return (x - self.m).square().sum(dim=1).mean() + 0 * torch.rand(1)


@pytest.fixture(scope="module")
def both(tmp_path_factory, good):
    """The same models by both tasks."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        genbench.run(
            "affine,gaussian",
            "blob",
            metrics="sliced_w2,kl,w2",
            task=task,
            results=folder,
            plugins=[good, SWEPT],
            **OPTIONS,
        )
        for task in ("generate", "curve")
    ]


def trained(snapshots=None, budget="64"):
    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(3, 1, (500, 2))
    model = Mean()
    history = train(model, x, x[:50], TrainingOptions(Budget(budget), snapshots=snapshots), Recipe(lr=0.05))
    return model, history


def test_the_name_of_the_run_says_its_task(both):
    assert [run.path.name for run in both] == ["blob-64", "blob-64-curve"]


def test_the_model_is_that_of_generate_to_the_last_bit(both):
    plain, curve = ({t.model: t for t in run.trials} for run in both)
    for model, trial in plain.items():
        assert curve[model].metrics == trial.metrics
        assert curve[model].draws == trial.draws
        assert same_weights(both[0].store.weights(trial.key), both[1].store.weights(curve[model].key))
        assert not trial.curve


def test_a_row_at_each_share_of_the_training(both):
    rows = next(t for t in both[1].trials if t.model == "affine").curve
    assert [row["share"] for row in rows] == [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1] == list(SHARES)
    assert [row["steps"] for row in rows] == [1, 2, 4, 8, 16, 32, 64]
    seconds = [row["train_seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert all(row.keys() == {"share", "steps", "train_seconds", "sliced_w2", "kl"} for row in rows), "w2 is not cheap"
    assert rows[-1]["kl"] < rows[0]["kl"]


def test_a_model_that_is_not_trained_by_the_engine_has_one_row(both):
    for trial in both[1].trials:
        if trial.model != "affine":
            assert [row["share"] for row in trial.curve] == [1.0]
    row = next(t for t in both[1].trials if t.model == "gaussian").curve[0]
    assert row["kl"] == pytest.approx(0, abs=2e-3), "a Gaussian fitted to 20,000 Gaussian points: 5/40,000 nats"


def test_snapshots_show_the_average_in_the_course_of_the_training():
    seen = []

    def take(module, share, steps, seconds):
        assert not module.training
        seen.append((share, steps, module.m.detach().clone()))

    plain, _ = trained()
    looked, _ = trained(Snapshots((0.25, 0.26, 1.0), take))
    assert torch.equal(plain.m, looked.m)
    assert [(share, steps) for share, steps, _ in seen] == [(0.25, 16), (17 / 64, 17), (1.0, 64)]
    quarter, whole = seen[0][2], seen[-1][2]
    assert (quarter - 3).abs().max() > (whole - 3).abs().max()


def test_shares_that_fall_on_one_step_are_one_snapshot():
    seen = []
    trained(Snapshots(SHARES, lambda module, share, steps, seconds: seen.append(steps)), budget="4")
    assert seen == [1, 2, 4]


def test_the_seconds_of_a_snapshot_are_not_training():
    import time

    seen = []

    def take(module, share, steps, seconds):
        seen.append(seconds)
        time.sleep(1)

    begin = time.perf_counter()
    _, history = trained(Snapshots((0.25, 0.5, 1.0), take), budget="0.3s")
    assert time.perf_counter() - begin > 3.3
    assert 0.075 <= seen[0] < seen[1] < seen[2] < 1.5  # 2.075 and more with the first two snapshots
    assert history.steps > 3


def test_an_unknown_task_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(GenbenchError, match="no task 'curv'"):
        genbench.run("gaussian", "moons", task="curv", results=tmp_path, say=lambda _: None)
    assert not list(tmp_path.iterdir())


def test_the_figure_has_a_line_a_model_and_is_absent_without_curves(both):
    assert draw(both[0]) == {}
    panels = draw(both[1])["curve"].axes
    assert [panel.get_ylabel().split(" (")[0] for panel in panels] == ["sliced W2", "KL"]
    rows = next(t for t in both[1].trials if t.model == "affine").curve
    thick = next(line for line in panels[0].lines if line.get_linewidth() > 1.5)
    np.testing.assert_allclose(thick.get_ydata(), [row["sliced_w2"] for row in rows])
    np.testing.assert_allclose(thick.get_xdata(), [row["train_seconds"] for row in rows])
    data = draw(both[1])["curve"].data
    for trial in both[1].trials:
        its = data[(data["model"] == trial.model) & (data["metric"] == "kl")]
        np.testing.assert_array_equal(its["value"], [row["kl"] for row in trial.curve])
        np.testing.assert_array_equal(its["share"], [row["share"] for row in trial.curve])
    assert "not what a shorter budget would give" in draw(both[1])["curve"].get_supxlabel().replace("\n", " ")
