"""`genbench plot` and `Run.plot`: formats, one dataset, failures, movement, and the figures from records alone."""

import sys
import types
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import typer

import genbench
from genbench import figures
from genbench.cli.plot import plot
from genbench.core.errors import GenbenchError
from genbench.figures import classes, draw, forest, heat_map, losses, save, seed_samples, seeds
from genbench.plotting.canvas import DataFigure, literal, settle
from genbench.plotting.labels import beside
from genbench.plotting.style import styled
from genbench.plotting.ticks import plain
from genbench.storage.records import Failure, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

SCORES = {"cfm": (0.20, 0.22), "$a_1$ vs $b": (0.21, 0.23), "kde": (0.60, 0.63), "oracle": (0.10, 0.11)}


def history(scale):
    steps = np.arange(1.0, 101.0)
    validation = [scale if int(step) % 20 == 0 else None for step in steps]
    return {"step": list(steps), "loss": list(scale * (1 + 50 / steps)), "validation": validation}


def trial(model, dataset, seed, value, **more):
    role = "oracle" if model == "oracle" else "model"
    kinds = {"cfm": "estimate", "oracle": "exact"}
    metrics = {"sliced_w2": value, "kl": None if value is None else value / 2}
    changes = {"metrics": metrics, "role": role, "likelihood": kinds.get(model, "exact")} | more
    return record(spec(model=model, dataset=dataset, seed=seed), **changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two datasets: on one a model failed with both seeds and another with one, on the other both were not run."""
    store = Store(tmp_path_factory.mktemp("plot") / "r")
    store.create()
    lost = Failure(phase="fit", type="Diverged", message="too much", seconds=1.0)
    failed = {"status": "diverged", "error": lost, "metrics": {"sliced_w2": None, "kl": None}}
    trials = [
        trial(model, data, seed, factor * value, history=history(value) if model == "cfm" else {})
        for data, factor in (("a", 1.0), ("b", 2.0))
        for model, values in SCORES.items()
        for seed, value in enumerate(values)
    ]
    players = {"step": [1.0, 2.0], "generator": [0.5, 0.6], "discriminator": [0.7, 0.8]}
    trials += [trial("gan", "a", 0, 0.9, history=players), trial("gan", "a", 1, None, **failed)]
    trials += [trial("vae", "a", seed, None, **failed) for seed in (0, 1)]
    for one in trials:
        store.write(one)
    store.write_run(RunRecord(name="r", trials=[one.key for one in trials]))
    return genbench.load_run(store.path)


def words(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def of_metric(run, metric, place="a"):
    """What a leaderboard says of a metric, by model."""
    return {row.model: row.metrics.get(metric) for row in run.leaderboard().rows if row.place == place}


def marks(panel):
    """The point of each row of a forest, and the line with its marker."""
    return {y: (x, line) for line in panel.lines if line.get_zorder() == 4 for x, y in line.get_xydata()}


def test_a_forest_has_a_panel_a_metric_with_the_numbers_and_the_marks_of_the_leaderboard(run):
    figure = forest.draw(run)["forest-a"]
    left, right = [panel for panel in figure.axes if panel.axison]
    assert left.get_title() == "sliced W2 (data units)\nlower is better"
    names = [label.get_text() for label in left.get_yticklabels()]
    models = [row.model for row in run.leaderboard().rows if row.place == "a"]
    assert names == [f"{model} (1 failed)" if model == "gan" else model for model in models]
    for metric, panel in (("sliced_w2", left), ("kl", right)):
        cells = of_metric(run, metric)
        its = figure.data[figure.data["metric"] == metric].set_index("model")
        assert list(its.index) == models
        for model, cell in cells.items():
            told = [its.loc[model, name] for name in ("mean", "low", "high")]
            spread = [cell.mean if end is None else end for end in (cell.low, cell.high)] if cell else []
            np.testing.assert_allclose(told, [cell.mean, *spread] if cell else [np.nan] * 3)
        dashed = next(line for line in panel.lines if line.get_linestyle() == "--")
        np.testing.assert_allclose(dashed.get_xdata(), cells["oracle"].mean)
        points = marks(panel)
        low, high = panel.get_xlim()
        inside = [(cell.mean, y) for y, cell in enumerate(cells.values()) if cell and low <= cell.mean <= high]
        np.testing.assert_allclose([(x, y) for y, (x, _) in sorted(points.items())], inside)
    assert {"*", "=", "diverged"} <= set(words(left))
    assert len({mark.get_marker() for _, mark in points.values()}) == 2, "an estimate has a shape of its own"


def test_the_figures_have_the_signs_of_the_verdicts_and_say_what_they_mean():
    run = genbench.load_run(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")
    figure = forest.draw(run)["forest"]
    panel = next(panel for panel in figure.axes if panel.get_title().startswith("sliced W2"))
    verdicts = [cell.verdict for cell in of_metric(run, "sliced_w2", "moons").values()]
    assert [verdicts.count(each) for each in ("best", "open", "worse")] == [1, 7, 2]
    assert [words(panel).count(sign) for sign in "*?="] == [1, 7, 0]
    drawn = {y: mark for y, (_, mark) in marks(panel).items()}
    white = {y for y, mark in drawn.items() if mark.get_markerfacecolor() == "white"}
    assert white == {y for y, verdict in enumerate(verdicts) if verdict == "worse"} & set(drawn)
    half = {y for y, mark in drawn.items() if mark.get_fillstyle() == "left"}
    assert half == {y for y, verdict in enumerate(verdicts) if verdict == "open"}
    assert "Half-filled (?): open" in figure.get_supxlabel()
    figures_ = heat_map.draw(run)
    texts = words(figures_["heat_map"].axes[0])
    assert [sum(text.endswith(f" {sign}") for text in texts) for sign in "*?="] == [1, 7, 0]
    texts = words(figures_["heat_map-kl"].axes[0])
    assert [sum(text.endswith(f" {sign}") for text in texts) for sign in "*?="] == [1, 0, 1]
    assert "?: open" in figures_["heat_map"].get_supxlabel()


def test_a_heat_map_has_the_quotients_and_says_what_failed(run):
    figures_ = heat_map.draw(run)
    assert set(figures_) == {"heat_map", "heat_map-kl"}
    panel, frame = figures_["heat_map"].axes[0], figures_["heat_map"].data
    rows = [label.get_text() for label in panel.get_yticklabels()]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["a", "b"]
    values = panel.collections[0].get_array().filled(np.nan)
    np.testing.assert_allclose(values[rows.index("cfm")], [2.0, 2.0])
    np.testing.assert_allclose(values[rows.index("kde")], [0.615 / 0.105] * 2)
    assert np.isnan(values[rows.index("vae")]).all()
    for model, cell in of_metric(run, "sliced_w2").items():
        told = frame.loc[(frame["model"] == model) & (frame["dataset"] == "a"), "ratio"].tolist()
        np.testing.assert_allclose(told, [] if model == "oracle" else [cell.ratio if cell else np.nan])
    assert {"2.00 *", "8.57 (1)"} <= set(words(panel))
    assert [text for text in words(panel) if text == "diverged"] == ["diverged"]
    assert len(panel.patches) == 3, "vae and gan on b, vae on a"


def test_a_heat_map_of_likelihoods_keeps_their_kinds_apart(run):
    panel = heat_map.draw(run)["heat_map-kl"].axes[0]
    rows = [label.get_text() for label in panel.get_yticklabels()]
    assert rows.index("kde") < rows.index("cfm"), "exact ones first, though the estimate is less"
    assert {"exact", "estimates (≈)", "0.21"} <= set(words(panel))


def test_losses_have_a_panel_for_each_player_and_mark_what_diverged(run):
    found = losses.draw(run)
    assert set(found) == {"losses-a", "losses-b"}
    panels = {panel.get_title(): panel for panel in found["losses-a"].axes if panel.axison}
    assert set(panels) == {"cfm", "gan: generator", "gan: discriminator", "vae"}
    training, held_out = panels["cfm"].lines

    def coarse(values):  # 100 steps at 50 places: 1 at 0, then 2 and 3 at 2, 4 and 5 at 6 …
        at = np.round(np.arange(1, 101) / 2)
        return [values[at == place].mean() for place in np.unique(at)]

    first, second = (np.array(history(scale)["loss"]) for scale in SCORES["cfm"])
    np.testing.assert_allclose(training.get_ydata(), coarse((first + second) / 2))
    band = panels["cfm"].collections[0].get_paths()[0].vertices
    edges = [y for x, y in band if x == training.get_xdata()[0]]
    np.testing.assert_allclose([min(edges), max(edges)], [coarse(first)[0], coarse(second)[0]])
    np.testing.assert_array_equal(held_out.get_xdata(), [20, 40, 60, 80, 100])
    assert panels["cfm"].get_yscale() == "log"
    frame = found["losses-a"].data
    assert len(frame) == 2 * 105 + 4
    one = frame[(frame["model"] == "cfm") & (frame["seed"] == 1) & (frame["on"] == "training")]
    np.testing.assert_allclose(one["value"], second)
    assert "seed 0: diverged\nseed 1: diverged" in words(panels["vae"])
    assert "seed 1: diverged" in words(panels["gan: generator"])


def test_a_loss_that_exploded_and_seeds_with_steps_of_their_own_leave_the_median_alone(tmp_path):
    store = Store(tmp_path / "r")
    store.create()
    steps = [np.arange(1.0, 401.0), np.arange(2.0, 402.0), np.arange(3.0, 53.0)]
    values = [np.full(400, 1.0), np.full(400, 3.0), np.full(50, 1e30)]
    trials = [
        trial("cfm", "a", seed, 0.2, history={"step": list(at), "loss": list(its)})
        for seed, (at, its) in enumerate(zip(steps, values, strict=True))
    ]
    for one in trials:
        store.write(one)
    store.write_run(RunRecord(name="r", trials=[one.key for one in trials]))
    panel = losses.draw(genbench.load_run(store.path))["losses"].axes[0]
    (line,) = panel.lines
    assert len(line.get_xdata()) <= losses.STEPS + 1
    np.testing.assert_allclose(line.get_ydata(), 2.0)
    assert panel.get_ylim()[1] < 10


def test_seeds_are_points_over_their_range_in_the_order_of_the_leaderboard(run):
    figure = seeds.draw(run)["seeds-a"]
    left, right = [panel for panel in figure.axes if panel.axison]
    models = [row.model for row in run.leaderboard().rows if row.place == "a"]
    frame = figure.data.set_index(["model", "metric", "seed"])["value"]
    assert frame["cfm", "sliced_w2", 1] == 0.22
    for panel, metric in ((left, "sliced_w2"), (right, "kl")):
        points = [tuple(point) for drawn in panel.collections for point in drawn.get_offsets()]
        for row in (row for row in run.leaderboard().rows if row.place == "a"):
            y = models.index(row.model)
            its = sorted(float(x) for x, at in points if abs(at - y) < 0.5)
            np.testing.assert_allclose(its, sorted(row.values[metric].values()) if row.seeds else [])
        means = panel.lines[0]
        told = dict(zip(means.get_ydata(), means.get_xdata(), strict=True))
        assert told[models.index("cfm")] == pytest.approx(of_metric(run, metric)["cfm"].mean)
    assert "diverged" in words(left)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0", "1"]


def test_one_dataset_of_several_is_drawn_with_the_same_name_and_scores(run):
    assert set(draw(run, "forest", dataset="b")) == {"forest-b"}
    part = run.only("b")
    assert part.leaderboard().rows == [row for row in run.leaderboard().rows if row.place == "b"]
    assert run.plot("forest", dataset="b").get_suptitle().startswith("b: ")
    with pytest.raises(GenbenchError, match="there are 2 figures"):
        run.plot("forest")
    with pytest.raises(GenbenchError, match="cannot be drawn"):
        run.plot("fan", dataset="b")
    with pytest.raises(GenbenchError, match="no dataset 'c'"):
        run.figures("forest", dataset="c")


def test_the_same_run_gives_the_same_files(run):
    first = {file: file.read_bytes() for file in save(run, ["heat_map"], ["png", "svg"], dataset="a")}
    assert {file.name for file in first} == {
        f"heat_map{kind}-a.{form}" for kind in ("", "-kl") for form in ("png", "svg")
    }
    again = {file: file.read_bytes() for file in save(run, ["heat_map"], ["png", "svg"], dataset="a")}
    assert first == again
    with pytest.raises(GenbenchError, match="no format 'bmp'"):
        save(run, ["heat_map"], ["bmp"])


@pytest.fixture
def odd_figures(monkeypatch):
    """Three modules more: one that moves, one that reloads models, one that fails."""
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

    def animate(run):
        figure = Figure(figsize=(1, 1), dpi=50)
        line = figure.subplots().plot([0, 1])[0]
        return {"moving": FuncAnimation(figure, lambda i: line.set_ydata([0, i]), frames=3, interval=100)}

    def fail(run):
        raise ZeroDivisionError("by\nnothing")

    made = {
        "moves": {"animate": animate},
        "reloads": {"draw": lambda run: {"reloads": DataFigure()}, "NEEDS_WEIGHTS": True},
        "fails": {"draw": fail},
    }
    for name, parts in made.items():
        module = types.ModuleType(f"genbench.figures.{name}")
        vars(module).update(parts)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    found = [types.SimpleNamespace(name=name, ispkg=False) for name in made]
    monkeypatch.setattr(figures.pkgutil, "iter_modules", lambda path: found)


@pytest.mark.usefixtures("odd_figures")
def test_what_moves_is_a_gif_and_a_figure_that_fails_stops_no_other(run):
    from PIL import Image

    lines = []
    files = save(run, weights=False, say=lines.append)
    assert [file.name for file in files] == ["moving.gif"]
    with Image.open(files[0]) as picture:
        assert (picture.n_frames, picture.info["duration"]) == (3, 100)
    assert lines == ["figure fails was left out: ZeroDivisionError: by"]
    assert [file.name for file in save(run, ["reloads"], weights=False)] == ["reloads.png"], "named, it is drawn"
    assert [file.name for file in save(run, say=lines.append)] == ["moving.gif", "reloads.png"]


@pytest.mark.usefixtures("odd_figures")
def test_the_command_goes_on_after_a_failure_and_ends_with_1(run, capsys):
    with pytest.raises(typer.Exit) as ended:
        plot(run.path, ["fails", "reloads"], quiet=True)
    assert ended.value.exit_code == 1
    told = capsys.readouterr()
    assert told.out == f"{run.path / 'figures' / 'reloads.png'}\n"
    assert told.err == "genbench: figure fails was left out: ZeroDivisionError: by\n"
    plot(list_figures=True)
    assert "reloads" in (listed := capsys.readouterr().out)
    assert "(*)" in listed


def test_a_folder_that_cannot_be_written_is_told_once(run, tmp_path):
    store = Store(tmp_path / "r")
    store.create()
    store.write_run(RunRecord(name="r"))
    (tmp_path / "r" / "figures").write_text("")
    with pytest.raises(GenbenchError, match="cannot write figures to"):
        save(genbench.load_run(store.path))


def test_dollars_in_names_are_no_mathematics_and_axes_still_are():
    from matplotlib.figure import Figure

    with styled():
        figure = Figure()
        panel = figure.subplots()
        panel.set_title("$a_1$ vs $b$")
        panel.semilogy([1, 1e9])
    figure.draw_without_rendering()
    literal(figure)
    assert not panel.title.get_parse_math()
    assert all(label.get_parse_math() for label in panel.get_yticklabels() if "mathdefault" in label.get_text())


def test_the_users_own_style_is_neither_taken_nor_changed(run):
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        with styled():
            assert mpl.rcParams["font.size"] == 9
            assert mpl.rcParams["axes.facecolor"] == "white"
        assert (mpl.rcParams["font.size"], mpl.rcParams["axes.facecolor"]) == (30, "black")


def test_a_name_beside_a_point_does_not_move_the_axes():
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    panel = figure.subplots()
    panel.set(xscale="log", yscale="log")
    panel.plot(8.8, 2.2, "o")
    settle(figure)
    before = panel.get_xlim(), panel.get_ylim()
    beside(panel, dict.fromkeys("a model of many letters", (8.8, 2.2)) | dict.fromkeys(map(str, range(20)), (8.8, 2.2)))
    assert len(panel.lines) > 1, "one name is led to by a line"
    assert (panel.get_xlim(), panel.get_ylim()) == before


def test_plain_labels():
    from matplotlib.figure import Figure

    panel = Figure().subplots()
    for limits, inside in (
        ((1, 100), {1, 2, 5, 10, 20, 50, 100}),
        ((1, 1.7), {1, 1.2, 1.5}),
        ((1, 1e4), {1, 10, 100, 1000, 1e4}),
    ):
        panel.set(xscale="log", xlim=limits)
        plain(panel.xaxis)
        ticks = panel.xaxis.get_majorticklocs()
        assert {round(float(tick), 6) for tick in ticks if limits[0] <= tick <= limits[1]} == inside
    label = panel.xaxis.get_major_formatter()
    assert [label(x, 0) for x in (0.5, 20, 20_000)] == ["0.5", "20", "20k"]


def test_each_seed_of_a_model_has_a_panel_with_its_samples_and_score(tmp_path):
    store = Store(tmp_path / "r")
    store.create()
    rng, kept = np.random.default_rng(0), {}
    for model in ("gmm", "kde"):
        for seed in (3, 5):
            facts = {"model": model, "dataset": "moons", "dataset_name": "moons", "dataset_params": {"noise": 0.05}}
            one = record(spec(seed=seed, protocol={"samples": 50}, **facts), metrics={"w2": 0.25 + seed})
            kept[one.key] = rng.normal(size=(50, 2))
            store.write(one, {} if (model, seed) == ("kde", 5) else {"samples": kept[one.key]})
    store.write_run(RunRecord(name="r", trials=list(kept)))
    panels = seed_samples.draw(genbench.load_run(store.path))["seed_samples"].axes
    titles = [panel.get_title() for panel in panels]
    seeds = ["seed 3", "seed 5", "seed 3: 3.25", "seed 5: 5.25", "seed 3: 3.25", "seed 5"]
    assert titles == [name + seed for name, seed in zip(["truth\n", "", "gmm\n", "", "kde\n", ""], seeds, strict=True)]
    shown = [np.asarray(panel.collections[0].get_offsets()) for panel in panels[2:5]]
    for points, key in zip(shown, kept, strict=False):
        np.testing.assert_array_equal(points, kept[key])
    assert "not kept" in words(panels[5])
    assert len({(panel.get_xlim(), panel.get_ylim()) for panel in panels[:5]}) == 1


def test_rows_of_classes_have_the_first_pictures_of_each_in_order():
    x = np.arange(6.0).reshape(6, 1, 1, 1)
    rows = classes.rows_of(x, np.array([1, 0, 1, 1, 0, 2]), classes=3).reshape(classes.SIDE, classes.SIDE)
    assert [list(row[np.isfinite(row)]) for row in rows[:4]] == [[1, 4], [0, 2, 3], [5], []]
