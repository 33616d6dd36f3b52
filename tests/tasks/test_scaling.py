"""The task `scaling`, on a problem whose exponents are known."""

import json

import numpy as np
import pytest

import genbench
from genbench.analysis.scaling import exponents, line_of
from genbench.core.errors import GenbenchError
from genbench.figures.scaling import draw
from genbench.tasks import scaling

DIMS, TRAIN = (2, 4, 8, 16), (200, 400, 800, 1_600)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A Gaussian fitted to Gaussians in small sizes, two seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaling, "DIMS", DIMS)
        patch.setattr(scaling, "TRAIN", TRAIN)
        return genbench.run(
            "gaussian,memoriser", "product[of=stretched_gaussian,copies=8]", seeds=2, budget="smoke", task="scaling",
            metrics="kl,sliced_w2,energy", jobs=0, train=1_000, results=tmp_path_factory.mktemp("r"), progress=False,
            say=lambda _: None,
        )  # fmt: skip


def test_a_row_for_each_dimension_and_each_number_of_points(run):
    trial = next(t for t in run.trials if t.model == "gaussian")
    sizes = [(row["dim"], row["train"]) for row in trial.scaling]
    assert sizes == [*((d, 1_000) for d in DIMS), *((16, n) for n in TRAIN)]
    assert set(trial.scaling[0]) == {"dim", "train", "train_seconds", "sample_seconds", "kl", "sliced_w2"}
    assert trial.dim == 16
    assert {"kl", "sliced_w2", "energy"} <= set(trial.metrics)
    assert run.path.name.endswith("-smoke-scaling")
    assert not list(run.path.rglob("*.checkpoint*")), "nothing is left of the further training runs"


def test_the_kl_of_a_fitted_gaussian(run):
    """With n points, KL is k / 2n in expectation, for the k = d + d (d + 1) / 2 parameters (Wilks 1938)."""
    trials = [t for t in run.trials if t.model == "gaussian"]
    line = line_of(trials, "kl", "train")
    k = 16 + 16 * 17 / 2
    # For 200 points it is 15 % more, with a deviation of 0.06 by simulation; for 1,600, of 0.0056 and 0.008 by the 2,000
    # test points. The bound is 3.5 deviations.
    np.testing.assert_allclose(line.y, k / (2 * line.x), rtol=0.75)
    found = {(e.quantity, e.axis): e for e in exponents(run) if e.model == "gaussian"}
    assert found["kl", "train"].slope == pytest.approx(-1.07, abs=0.35)
    assert found["kl", "dim"].slope == pytest.approx(1.5, abs=0.5), "from 5 to 152 parameters in 8-fold dimensions"
    assert found["kl", "train"].low < found["kl", "train"].slope < found["kl", "train"].high
    assert found["kl", "train"].points + found["kl", "train"].dropped == 2 * (len(TRAIN) + 1)


def test_the_interval_of_a_slope_by_hand(run):
    line = line_of([t for t in run.trials if t.model == "memoriser"], "sliced_w2", "train")
    x, y = np.log(line.x), np.log(line.y)
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    left = y - y.mean() - slope * (x - x.mean())
    error = np.sqrt((left**2).sum() / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    one = next(e for e in exponents(run) if (e.model, e.quantity, e.axis) == ("memoriser", "sliced_w2", "train"))
    assert one.slope == pytest.approx(slope)
    assert (one.low, one.high) == pytest.approx((slope - 2.306 * error, slope + 2.306 * error), rel=1e-3)  # t(8)


def test_the_figure(run):
    figure = draw(run)["scaling"]
    labels = [(panel.get_xlabel(), panel.get_ylabel()) for panel in figure.axes]
    assert ("dimension", "KL (nats)") in labels
    assert ("training points", "training (seconds)") in labels
    assert len(labels) == 8
    power = next(e for e in exponents(run) if (e.model, e.quantity, e.axis) == ("gaussian", "kl", "train"))
    written = [text.get_text() for panel in figure.axes for text in panel.texts]
    expected = f"gaussian {power.slope:.2f} ± {power.high - power.slope:.2f}".replace("-", "−")
    assert expected in written
    its = figure.data[(figure.data["model"] == "gaussian") & (figure.data["axis"] == "train")]
    its = its[its["quantity"] == "kl"].sort_values(["size", "value"])
    line = line_of([t for t in run.trials if t.model == "gaussian"], "kl", "train")
    np.testing.assert_array_equal(its[["size", "value"]].to_numpy().T, [line.x, line.y])
    panel = next(p for p in figure.axes if (p.get_xlabel(), p.get_ylabel()) == ("training points", "KL (nats)"))
    medians = its.groupby("size")["value"].median()
    thick = [line for line in panel.lines if line.get_linewidth() > 1.5]
    assert any(np.allclose(one.get_ydata(), medians) for one in thick)


def test_records_hold_it(run):
    trial = next(t for t in run.trials if t.model == "gaussian")
    stored = json.loads((run.path / "trials" / f"{trial.key}.json").read_text())
    assert stored["scaling"] == trial.scaling


def test_a_size_at_which_a_model_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "DIMS", (2, 4))
    monkeypatch.setattr(scaling, "TRAIN", (1, 100))
    found = genbench.run(
        "gmm", "gaussian_mixture[dim=4]", seeds=1, budget="smoke", task="scaling", metrics="sliced_w2", jobs=0,
        results=tmp_path, progress=False, say=lambda _: None,
    )  # fmt: skip
    trial = next(t for t in found.trials if t.model == "gmm")
    assert [(row["dim"], row["train"]) for row in trial.scaling] == [(2, 20_000), (4, 20_000), (4, 100)]
    assert any("no scores at 4 dimensions, 1 training points" in flag.text for flag in trial.flags)


def test_real_data_have_one_size(tmp_path):
    with pytest.raises(GenbenchError, match="choose synthetic data for --task scaling"):
        genbench.run("gaussian", "wine", seeds=1, budget="smoke", task="scaling", results=tmp_path, progress=False)
