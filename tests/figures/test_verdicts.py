"""The figures of verdicts and of profiles: what is drawn is what the leaderboard says."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import genbench
from genbench.core.errors import GenbenchError
from genbench.figures import draw
from genbench.figures.shared.intervals import draw_intervals, log_extent
from genbench.figures.verdicts import LOOKS
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

INF = float("inf")
MODELS = {  # model: (role, kind of likelihood, its scores in sliced W2, KL and modes for each seed; None: diverged)
    "oracle": ("oracle", "exact", [(0.01, 0.0, 8), (0.01, 0.0, 8), (0.01, 0.0, 8)]),
    "good": ("model", "exact", [(0.020, 0.10, 8), (0.022, 0.11, 8), (0.018, 0.09, 7)]),
    "near": ("model", "exact", [(0.021, 0.12, 8), (0.020, 0.10, 7), (0.019, 0.11, 7)]),
    "$far$": ("model", "exact", [(0.80, 1.00, 2), (0.81, 1.10, 1), (0.79, 0.90, 2)]),
    "endless": ("model", "exact", [(0.05, INF, 6), (0.06, INF, 6), (0.05, INF, 6)]),
    "bounded": ("model", "bound", [(0.03, 0.20, 5), (0.04, 0.21, 5), (0.03, 0.22, 5)]),
    "once": ("model", "exact", [(0.03, 0.2, 7), None, None]),
    "never": ("model", "exact", [None, None, None]),
    "copies": ("control", "none", [(0.01, None, 8)] * 3),
}


def stored(folder, datasets=("a",), seeds=3, models=tuple(MODELS)):
    store, keys = Store(folder / "r"), []
    store.create()
    for dataset in datasets:
        for model in models:
            role, likelihood, scores = MODELS[model]
            for seed, its in enumerate(scores[:seeds]):
                one = spec(model=model, dataset=dataset, seed=seed)
                metrics = {} if its is None else dict(zip(("sliced_w2", "kl", "modes"), its, strict=True))
                status = "diverged" if its is None else "ok"
                store.write(record(one, role=role, likelihood=likelihood, metrics=metrics, status=status))
                keys.append(one.key)
    store.write_run(RunRecord(name="r", trials=keys))
    return genbench.load_run(store.path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("verdicts"))


@pytest.fixture(scope="module")
def figure(run):
    return draw(run, "verdicts")["verdicts"]


@pytest.fixture(scope="module")
def moons():
    return genbench.load_run(Path(__file__).parents[2] / "results" / "reference" / "moons-quick")


def test_the_frame_has_the_intervals_and_verdicts_of_the_leaderboard(moons):
    board, data = moons.leaderboard(), moons.plot("verdicts").data
    rows = [row for row in board.rows if row.role == "model"]
    assert list(data["metric"].unique()) == ["sliced_w2", "kl", "nll", "w2", "typicality"]
    seen = 0
    for metric, part in data.groupby("metric"):
        assert list(part["model"]) == [row.model for row in rows], "in the order of the table"
        for row, (_, one) in zip(rows, part.iterrows(), strict=True):
            cell = row.metrics[metric]
            if cell is None or cell.worse_by is None:
                assert np.isnan(one["low"])
                assert one["note"] == ("no score" if cell is None else "not compared")
                continue
            seen += 1
            assert (one["low"], one["high"]) == cell.worse_by
            assert (one["verdict"], one["scale"]) == (cell.verdict, cell.scale)
            assert one["low"] <= one["worse_by"] <= one["high"]
    assert seen == 44


def test_points_are_means_beside_that_of_the_best_other(figure):
    data = figure.data.set_index(["metric", "model"])["worse_by"]

    def mean(model):
        return np.exp(np.mean([np.log(scores[0]) for scores in MODELS[model][2]]))

    assert data["sliced_w2", "good"] == pytest.approx(mean("good") / mean("near"))
    assert data["sliced_w2", "$far$"] == pytest.approx(mean("$far$") / min(mean("near"), mean("good")))
    assert data["kl", "near"] == pytest.approx(0.11 - 0.10)
    assert data["kl", "good"] == pytest.approx(0.10 - 0.11)
    assert data["modes", "near"] == pytest.approx(23 / 3 - 22 / 3), "more are better"


def test_a_verdict_is_told_by_colour_and_by_shape(figure):
    panel, data = figure.axes[0], figure.data[figure.data["metric"] == "sliced_w2"].reset_index(drop=True)
    drawn = {}
    for line in panel.lines:
        for x, y in line.get_xydata() if line.get_marker() in ("*", "o") else ():
            drawn[y] = (x, line)
    compared = data[data["low"].notna()]
    assert set(compared["verdict"]) >= {"best", "worse"}
    for y, one in compared.iterrows():
        x, line = drawn[y]
        look = LOOKS[one["verdict"]]
        assert (x, line.get_color(), line.get_marker()) == (one["worse_by"], look["color"], look["marker"])
        assert line.get_markerfacecolor() == look.get("markerfacecolor", look["color"])
        assert line.get_fillstyle() == look.get("fillstyle", "full")
    looks = [(look["marker"], look.get("fillstyle"), look.get("markerfacecolor")) for look in LOOKS.values()]
    assert len(set(looks)) == 4, "without colour, too"
    named = [text.get_text().partition(":")[0] for text in figure.legends[0].get_texts()]
    assert named == [name for name in LOOKS if name in set(figure.data["verdict"])]


def test_what_is_not_compared_says_why(figure):
    notes = figure.data.set_index(["metric", "model"])["note"]
    assert notes["kl", "endless"] == "∞"
    assert notes["kl", "bounded"] == "not compared", "the only bound"
    assert notes["sliced_w2", "once"] == "one seed"
    assert {notes[metric, "never"] for metric in ("sliced_w2", "kl", "modes")} == {"diverged"}
    assert {"∞", "one seed", "diverged", "not compared"} <= {text.get_text() for text in figure.axes[1].texts}
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "once (2 of 3 failed)" in names
    assert names[-1] == "never"
    assert not {"copies", "oracle"} & set(figure.data["model"])


def test_the_margin_is_a_band_with_its_value(figure, run):
    for panel, metric in zip(figure.axes, ("sliced_w2", "kl", "modes"), strict=True):
        margin = run.leaderboard().contests["a", metric][0].margin
        if margin is None:
            assert not panel.patches
            assert panel.get_title().endswith("no margin")
        else:
            assert panel.patches[0].get_bbox().x1 == pytest.approx(margin)
    wide = genbench.load_run(run.path)
    wide.margin = "50%,0.3"
    panels = draw(wide, "verdicts")["verdicts"].axes
    assert panels[0].get_title().endswith("1.5 ×")
    assert panels[1].get_title().endswith("0.3 nats")
    np.testing.assert_allclose([panel.patches[0].get_bbox().x1 for panel in panels], [1.5, 0.3, 0.3])


def test_intervals_that_leave_the_axis_have_arrows_and_points_beyond_it_their_numbers():
    panel = mpl.figure.Figure().subplots()
    panel.set(xlim=(0.5, 4.0))
    rows = [(0, 1.0, 0.6, 2.0), (1, 2.0, 0.1, np.inf), (2, 50.0, 1.0, 60.0), (3, 3.0, np.nan, np.nan)]
    draw_intervals(panel, pd.DataFrame(rows, columns=["y", "point", "low", "high"]), LOOKS["open"])
    by_marker = {line.get_marker(): line.get_xydata().tolist() for line in panel.lines}
    assert by_marker == {"<": [[0.5, 1]], ">": [[4.0, 1], [4.0, 2]], "o": [[1.0, 0], [2.0, 1], [3.0, 3]]}
    ends = [path.vertices[:, 0].tolist() for path in panel.collections[0].get_paths()[:3]]
    assert ends == [[0.6, 2.0], [0.5, 4.0], [1.0, 4.0]]
    assert [text.get_text() for text in panel.texts] == ["50 →"]


def test_nothing_is_compared_by_one_seed(tmp_path):
    run = stored(tmp_path, seeds=1)
    assert draw(run, "verdicts") == {}
    with pytest.raises(GenbenchError, match="cannot be drawn"):
        run.plot("verdicts")


def test_legend_notes_and_names_lie_apart_and_inside(run, figure):
    shown = [figure, draw(run, "verdicts", style="paper")["verdicts"], draw(run, "profile")["profile"]]
    assert [bool(one.get_supxlabel()) for one in shown] == [True, False, True]
    for one in shown:
        renderer = FigureCanvasAgg(one).get_renderer()
        one.draw(renderer)
        below = [*one.legends, *([one._supxlabel] if one.get_supxlabel() else [])]
        boxes = [artist.get_window_extent(renderer) for artist in below]
        boxes += [panel.get_tightbbox(renderer) for panel in one.axes if panel.axison]
        for i, box in enumerate(boxes):
            assert -1 <= box.x0 < box.x1 <= one.bbox.x1 + 1
            assert -1 <= box.y0 < box.y1 <= one.bbox.y1 + 1
            assert not any(box.shrunk(0.98, 0.98).overlaps(other) for other in boxes[:i])


def test_a_profile_has_the_quotients_by_the_oracle(tmp_path):
    run = stored(tmp_path, datasets=("a", "b"))
    board, figure = run.leaderboard(), run.plot("profile")
    assert set(figure.data["metric"]) == {"sliced_w2"}, "a KL has no quotient, and shares are better when larger"
    for row in board.rows:
        if row.role == "model":
            one = figure.data[(figure.data["model"] == row.model) & (figure.data["dataset"] == row.dataset)].iloc[0]
            if row.model == "never":
                assert (np.isnan(one["quotient"]), one["status"]) == (True, "diverged")
                continue
            cell = row.metrics["sliced_w2"]
            assert one["quotient"] == pytest.approx(np.mean([s[0] for s in MODELS[row.model][2] if s]) / 0.01)
            if row.seeds > 1:
                assert (one["low"], one["high"]) == (cell.ratio_low, cell.ratio_high)
    titles = [panel.get_title() for panel in figure.axes if panel.axison]
    assert (titles[0], titles[-1], len(titles)) == ("good", "never", 7), "best first"
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert len({panel.get_xlim() for panel in figure.axes if panel.axison}) == 1, "on one axis"


def test_a_profile_of_one_model_on_one_dataset_has_all_its_distances(moons):
    figure = moons.plot("profile", models=["cfm"])
    (panel,) = (panel for panel in figure.axes if panel.axison)
    assert panel.get_title() == "cfm"
    cells = next(row for row in moons.leaderboard().rows if row.model == "cfm").metrics
    assert {"sliced_w2", "w2", "typicality", "ks"} <= set(figure.data["metric"])
    assert not {"kl", "nll", "precision", "c2st"} & set(figure.data["metric"])
    for _, one in figure.data.iterrows():
        cell = cells[one["metric"]]
        assert (one["quotient"], one["low"], one["high"]) == (cell.ratio, cell.ratio_low, cell.ratio_high)
    assert len(panel.get_yticks()) == len(figure.data)


def test_an_axis_of_quotients_shows_points_and_as_much_of_intervals_as_is_near():
    low, high = log_extent(np.array([1.0, 2.0]), np.array([0.9, 1e9, np.nan]), stretch=4.0)
    assert 0.75 < low < 0.9
    assert 8 < high < 10
    low, high = log_extent(np.array([1.0, 3.0, 1e12, 0.0, np.nan]), np.array([]), stretch=4.0)
    assert (0.9 < low < 1, 3 < high < 3.5) == (True, True)
