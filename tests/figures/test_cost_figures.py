"""Quality against cost: the front, the labels, and what is drawn of a run made by hand."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import genbench
from genbench.figures import draw as draw_of
from genbench.figures.pareto import draw
from genbench.figures.shared.costs import front
from genbench.plotting.canvas import settle
from genbench.plotting.labels import _spread, beside, styles
from genbench.storage.records import Cost, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 12, (30, 2)).astype(float)  # with ties
    beaten = [any((b <= a).all() and (b < a).any() for b in xy) for a in xy]
    expected = {tuple(a) for a, worse in zip(xy, beaten, strict=True) if not worse}
    found = front(xy[:, 0], xy[:, 1])
    assert {tuple(xy[i]) for i in found} == expected
    assert len(found) == len(expected), "of equal points one is enough"
    assert (np.diff(xy[found, 0]) > 0).all()


def test_spread_names_keep_their_order_their_distance_and_the_frame():
    placed = _spread(np.array([1.0, 1.1, 1.2, 5.0, 9.9, 10.0]), 1.0, 0.0, 10.0)
    assert (np.diff(placed) >= 1 - 1e-12).all()
    assert placed[-1] <= 10
    assert placed[3] == 5.0, "what has room stays where it is"


def test_no_two_of_many_series_look_alike():
    looks = styles([f"m{i}" for i in range(40)])
    assert len({tuple(look.values()) for look in looks.values()}) == 40


def test_labels_cover_no_other_label():
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    figure = Figure(figsize=(6, 5), layout="constrained")
    panel = figure.subplots()
    points = {f"model_{i}": tuple(rng.normal(0, 0.5, 2)) for i in range(15)}
    panel.plot(*zip(*points.values(), strict=True), "o")
    panel.margins(0.2)
    settle(figure)
    beside(panel, points)
    boxes = [text.get_window_extent() for text in panel.texts]
    assert len(boxes) == 15
    assert not any(a.shrunk(0.98, 0.98).overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_label_covers_no_text_that_was_there():
    """A point at the middle, and a word to its right, where the first name of all would go."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3))
    panel = figure.subplots()
    panel.plot(0, 0, "o")
    word = panel.annotate("oracle", (0, 0), (9, 0), textcoords="offset points", va="center")
    settle(figure)
    beside(panel, {"model": (0.0, 0.0)})
    assert not panel.texts[1].get_window_extent().overlaps(word.get_window_extent())


@pytest.fixture
def run(tmp_path):
    """Three models, of which `slow` is worse than `good` and dearer, an oracle, and a control."""
    store = Store(tmp_path / "r")
    store.create()
    keys = []
    facts = {  # model: (sliced W2, training seconds, samples per second, NFE, role)
        "good": (0.2, 10.0, 1000.0, 20, "model"),
        "slow": (0.3, 20.0, 500.0, 40, "model"),
        "cheap": (0.8, 1.0, 2000.0, None, "model"),
        "copies": (0.1, 0.1, 9000.0, None, "control"),
        "oracle": (0.1, None, 9000.0, None, "oracle"),
    }
    for model, (score, seconds, speed, nfe, role) in facts.items():
        s = spec(model=model, metrics=("sliced_w2",))
        cost = Cost(train_seconds=seconds, samples_per_second=speed, nfe=nfe)
        store.write(record(s, role=role, metrics={"sliced_w2": score}, cost=cost))
        keys.append(s.key)
    store.write_run(RunRecord(name="r", trials=keys))
    return genbench.load_run(store.path)


def test_models_stand_at_their_cost_and_multiple_of_the_oracle(run):
    panels = [panel for panel in draw(run)["pareto"].axes if panel.axison]
    by_label = {panel.get_xlabel(): panel for panel in panels}
    assert set(by_label) == {"training seconds", "seconds for 1,000 samples", "network evaluations a sample"}
    panel = by_label["seconds for 1,000 samples"]
    dots = {tuple(line.get_xydata()[0]) for line in panel.lines if line.get_marker() not in ("None", "", None)}
    assert {(round(x, 6), round(y, 6)) for x, y in dots} == {(1.0, 2.0), (2.0, 3.0), (0.5, 8.0)}
    assert {text.get_text() for text in panel.texts} == {"good", "slow", "cheap", "oracle"}, "no control, but the floor"


def test_the_front_leaves_out_what_is_worse_and_dearer(run):
    panel = next(p for p in draw(run)["pareto"].axes if p.get_xlabel() == "training seconds")
    stairs = next(line for line in panel.lines if line.get_drawstyle() == "steps-post")
    np.testing.assert_allclose(stairs.get_xydata(), [[1, 8], [10, 2]])


def test_speed_has_the_costs_of_the_leaderboard_and_the_front_by_training(run):
    figure = draw_of(run, "speed")["speed"]
    data = figure.data.set_index("model")
    assert list(data.index) == ["good", "slow", "cheap"], "no control"
    np.testing.assert_allclose(data["score"], [2.0, 3.0, 8.0])
    np.testing.assert_allclose(data["training seconds"], [10, 20, 1])
    np.testing.assert_allclose(data["samples_per_second"], [1000, 500, 2000])
    panel = figure.axes[0]
    stairs = next(line for line in panel.lines if line.get_drawstyle() == "steps-post")
    np.testing.assert_allclose(stairs.get_xydata(), [[1, 8], [10, 2]])
    np.testing.assert_allclose(panel.collections[0].get_offsets(), [[10, 2], [20, 3], [1, 8]])
    slow, fast = panel.collections[0].get_sizes()[1], panel.collections[0].get_sizes()[0]
    assert slow < fast
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["1k to 10k", "100 to 1k"]
    assert {text.get_text() for text in panel.texts} == {"good", "slow", "cheap", "oracle"}


@pytest.mark.parametrize("name", ["speed", "pareto"])
def test_no_name_is_struck_through_by_the_front(name):
    moons = genbench.load_run(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")
    figure = moons.plot(name)
    assert not [legend for legend in figure.legends if legend._outside_loc == "lower"], "there is room for all names"
    for panel in (panel for panel in figure.axes if panel.axison):
        stairs = next(line for line in panel.lines if line.get_drawstyle() == "steps-post")
        corners = panel.transData.transform(stairs.get_xydata())
        boxes = {text.get_text(): text.get_window_extent() for text in panel.texts}
        assert len(boxes) >= 9
        for (x0, y0), (x1, y1) in itertools.pairwise(corners):  # along, then down
            path = [*zip(np.linspace(x0, x1, 200), [y0] * 200, strict=True)]
            path += zip([x1] * 200, np.linspace(y0, y1, 200), strict=True)
            for text, box in boxes.items():
                struck = [point for point in path if box.shrunk(0.9, 0.6).contains(*point)]
                assert not struck, text


def test_forty_models_have_numbers_with_a_legend_inside_the_canvas(tmp_path):
    store, keys = Store(tmp_path / "r"), []
    store.create()
    for i in range(40):
        s = spec(model=f"a_model_with_a_name_of_many_letters_{i}", metrics=("sliced_w2",))
        cost = Cost(train_seconds=10 + 0.1 * i, samples_per_second=None if i % 5 == 0 else 10.0 ** (i % 5))
        store.write(record(s, metrics={"sliced_w2": 0.2 + 0.001 * ((7 * i) % 40)}, cost=cost))
        keys.append(s.key)
    store.write_run(RunRecord(name="r", trials=keys))
    figure = genbench.load_run(store.path).plot("speed", style="paper")
    speeds, (names,) = figure.axes[0].get_legend(), figure.legends
    assert len({text.get_text() for text in names.get_texts()}) == 40
    assert "not timed" in [text.get_text() for text in speeds.get_texts()]
    shown = {text.get_text() for text in figure.axes[0].texts}
    assert {str(n) for n in range(1, 41)} >= shown
    assert len(shown) > 30
    figure.draw_without_rendering()
    for legend in (speeds, names):
        box = legend.get_window_extent()
        assert box.x0 > -1
        assert box.y0 > -1
        assert box.x1 < figure.bbox.x1 + 1
        assert box.y1 < figure.bbox.y1 + 1
