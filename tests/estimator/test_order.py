"""The order in which a sampler returns its points must not matter to anything."""

from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.core import library_patches
from genbench.core.registry import discover
from genbench.estimator.order import shuffle
from genbench.metrics import c2st_by

X = np.random.default_rng(0).normal(size=(5000, 3))
PLUGIN = str(Path(__file__).parents[1] / "plugins" / "twin.py")
ORDERS = ("sorted", "mixed")


def test_points_are_shuffled_alike_whatever_their_order():
    sorted_points = X[np.argsort(X[:, 0])]
    first, second = X[shuffle(X, None, 1)], sorted_points[shuffle(sorted_points, None, 1)]
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, X[shuffle(X, None, 2)])
    assert sorted(first[:, 0]) == sorted(X[:, 0])


def test_the_order_has_nothing_left_of_the_sorted_one():
    """The rank correlation of places and values is normal with deviation 1/√n: beyond 4 once in 16,000 seeds."""
    sorted_points = X[np.argsort(X[:, 0])]
    shuffled = sorted_points[shuffle(sorted_points, None, 0)]
    for column in shuffled.T:
        assert abs(np.corrcoef(np.arange(len(X)), column)[0, 1]) < 4 / np.sqrt(len(X))


def test_rounding_moves_no_point_far():
    """Points that differ in the last digit change places with near neighbours only."""
    rounded = X.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(X[shuffle(X, None, 0)], rounded[shuffle(rounded, None, 0)], atol=1e-6)


def test_samples_keep_their_labels():
    labels = np.random.default_rng(1).integers(0, 3, len(X))
    points = X + 100 * labels[:, None]
    order = shuffle(points, labels, 0)
    np.testing.assert_array_equal(np.round(points[order][:, 0] / 100), labels)
    assert not np.array_equal(order, np.arange(len(X)))


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Two runs that differ in nothing but the order in which the model returns its samples."""

    discover((PLUGIN,))
    runs = []
    with pytest.MonkeyPatch.context() as patch:
        for order in ORDERS:
            patch.setenv("TWIN_ORDER", order)
            for name, few in {"EPOCHS": 4, "FOLDS": 2, "POINTS": 200}.items():  # seconds instead of a minute
                patch.setattr(c2st_by, name, few)
            # If an earlier test has run a trial here, these would be taken for a plugin's changes, and put back.
            patch.setattr(library_patches, "_names", library_patches._LibraryNames(()))
            runs.append(
                genbench.run(
                    "twin",
                    "eight_gaussians,digits",
                    seeds=1,
                    results=tmp_path_factory.mktemp(order),
                    name="r",
                    metrics="zoo",
                    samples=500,
                    jobs=0,
                    progress=False,
                    say=lambda _: None,
                    plugins=[PLUGIN],
                )
            )
        yield runs


def test_every_metric_is_the_same_for_a_sorted_and_a_mixed_twin(twins):
    first, second = ({t.dataset: t for t in run.trials if t.model == "twin"} for run in twins)
    assert sum(value is not None for t in first.values() for value in t.metrics.values()) > 40
    for dataset, trial in first.items():
        assert trial.metrics == second[dataset].metrics
        assert [flag.text for flag in trial.flags] == [flag.text for flag in second[dataset].flags]


def test_every_figure_is_the_same_for_a_sorted_and_a_mixed_twin(twins, monkeypatch):
    from genbench.figures import available

    compared = 0
    for name in available().keys() - {"pareto", "speed"}:  # whose seconds differ
        drawn = []
        for order, run in zip(ORDERS, twins, strict=True):
            monkeypatch.setenv("TWIN_ORDER", order)
            drawn.append({stem: pixels(figure) for stem, figure in run.figures(name).items()})
        assert drawn[0].keys() == drawn[1].keys(), name
        for stem, image in drawn[0].items():
            np.testing.assert_array_equal(image, drawn[1][stem], err_msg=f"{name}: {stem}")
            compared += 1
    assert compared >= 8


def pixels(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(30)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())
