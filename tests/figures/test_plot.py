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
from genbench.figures import classes, draw, forest, heat_map, losses, save, seeds
from genbench.plotting.labels import beside, plain, settle
from genbench.plotting.style import literal, styled
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


def test_a_forest_has_a_panel_a_metric_with_the_oracle_and_the_marks_of_the_leaderboard(run):
    figure = forest.draw(run)["forest-a"]
    left, right = [panel for panel in figure.axes if panel.axison]
    assert left.get_title() == "sliced W2 (data units): lower is better"
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == [row.model for row in run.leaderboard().rows if row.place == "a"]
    dashed = next(line for line in left.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_xdata(), 0.105)
    assert any(np.allclose(line.get_xdata(), 0.21) and line.get_marker() == "o" for line in left.lines)
    assert {"*", "="} <= set(words(left))
    assert "diverged" in words(left)
    assert "1 of 2 failed" in words(left)
    shapes = {line.get_marker() for line in right.lines}
    assert {"o", "D"} <= shapes, "an estimate of a likelihood has a shape of its own"


def test_the_figures_have_the_signs_of_the_verdicts_and_say_what_they_mean():
    run = genbench.load_run(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")
    board = run.leaderboard()
    figure = forest.draw(run)["forest"]
    panel = next(panel for panel in figure.axes if panel.get_title().startswith("sliced W2"))
    points = {line.get_ydata()[0]: line for line in panel.lines if line.get_marker() == "o"}
    seen = {"best": 0, "open": 0, "worse": 0, None: 0}
    for y, row in enumerate(board.rows):
        if y in points:
            verdict, line = row.metrics["sliced_w2"].verdict, points[y]
            filled = line.get_fillstyle(), line.get_markerfacecolor() == "white"
            seen[verdict] += 1
            assert filled == {"open": ("left", False), "worse": ("full", True)}.get(verdict, ("full", False))
    assert seen["open"] == words(panel).count("?") == 7
    assert seen["best"] == words(panel).count("*") == 1
    assert seen["worse"] == 2
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
    panel = figures_["heat_map"].axes[0]
    rows = [label.get_text() for label in panel.get_yticklabels()]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["a", "b"]
    values = np.asarray(panel.images[0].get_array().filled(np.nan))
    np.testing.assert_allclose(values[rows.index("cfm")], [2.0, 2.0])
    np.testing.assert_allclose(values[rows.index("kde")], [0.615 / 0.105] * 2)
    assert np.isnan(values[rows.index("vae")]).all()
    assert "2.00 *" in words(panel)
    assert "diverged" in words(panel)
    assert "8.57\n1 of 2 failed" in words(panel)
    assert len(panel.patches) == 3, "vae and gan on b, vae on a"


def test_a_heat_map_of_likelihoods_keeps_their_kinds_apart(run):
    panel = heat_map.draw(run)["heat_map-kl"].axes[0]
    rows = [label.get_text() for label in panel.get_yticklabels()]
    assert rows.index("kde") < rows.index("cfm"), "exact ones first, though the estimate is less"
    assert {"exact likelihoods", "estimates (≈)", "≈ 0.21"} <= set(words(panel))


def test_losses_have_a_panel_for_each_player_and_mark_what_diverged(run):
    found = losses.draw(run)
    assert set(found) == {"losses-a", "losses-b"}
    panels = {panel.get_title(): panel for panel in found["losses-a"].axes if panel.axison}
    assert set(panels) == {"cfm", "gan: generator", "gan: discriminator", "vae"}
    training = panels["cfm"].lines[0]
    np.testing.assert_allclose(training.get_ydata(), history(0.20)["loss"])
    np.testing.assert_array_equal(panels["cfm"].lines[2].get_xdata(), [20, 40, 60, 80, 100])
    assert panels["cfm"].get_yscale() == "log"
    assert "seed 0: diverged\nseed 1: diverged" in words(panels["vae"])
    assert "seed 1: diverged" in words(panels["gan: generator"])


def test_one_dataset_of_several_is_drawn_with_the_same_name_and_scores(run):
    assert set(draw(run, "forest", dataset="b")) == {"forest-b"}
    part = run.only("b")
    assert part.leaderboard().rows == [row for row in run.leaderboard().rows if row.place == "b"]
    assert run.plot("forest", dataset="b").get_suptitle().startswith("b: ")
    with pytest.raises(GenbenchError, match="has 2 pictures"):
        run.plot("forest")
    with pytest.raises(GenbenchError, match="nothing to show"):
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
    with pytest.raises(GenbenchError, match="no format 'pdf'"):
        save(run, ["heat_map"], ["pdf"])


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
        "reloads": {"draw": lambda run: {"reloads": Figure()}, "NEEDS_WEIGHTS": True},
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
            assert mpl.rcParams["font.size"] == 10
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
    panels = seeds.draw(genbench.load_run(store.path))["seeds"].axes
    titles = [panel.get_title() for panel in panels]
    assert titles == ["seed 3", "seed 5", "seed 3: 3.25", "seed 5: 5.25", "seed 3: 3.25", "seed 5"]
    shown = [np.asarray(panel.collections[0].get_offsets()) for panel in panels[2:5]]
    for points, key in zip(shown, kept, strict=False):
        np.testing.assert_array_equal(points, kept[key])
    assert "not kept" in words(panels[5])
    assert len({(panel.get_xlim(), panel.get_ylim()) for panel in panels[:5]}) == 1


def test_rows_of_classes_have_the_first_pictures_of_each_in_order():
    x = np.arange(6.0).reshape(6, 1, 1, 1)
    rows = classes.rows_of(x, np.array([1, 0, 1, 1, 0, 2]), classes=3).reshape(classes.SIDE, classes.SIDE)
    assert [list(row[np.isfinite(row)]) for row in rows[:4]] == [[1, 4], [0, 2, 3], [5], []]
