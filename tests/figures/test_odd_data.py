"""Figures of odd data and odd scores: what stands on their axes, in their titles and in their notes."""

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import genbench
from genbench.analysis.scores import Cell
from genbench.figures import available, draw, needs_weights, save
from genbench.figures.shared.panels import distinct, file_stem, short
from genbench.report.links import Links
from genbench.report.scatter import scatters
from genbench.storage.records import Cost, RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

PLUGIN = str(Path(__file__).parents[1] / "plugins" / "odd_data.py")
SMALL = {
    "seeds": 1, "budget": "smoke", "samples": 100, "jobs": 0, "progress": False, "plugins": [PLUGIN],
    "say": lambda _: None,
}  # fmt: skip
POINTS = ("one_coordinate", "one_spike", "spikes", "julian", "constant_column", "ten", "stretched")
FROM_RECORDS = [name for name in available() if not needs_weights(name)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    results = tmp_path_factory.mktemp("odd")
    return genbench.run("gaussian", ",".join(POINTS), metrics="sliced_w2,nll", results=results, **SMALL)


def words(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def overlapping(figure, texts):
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_text()]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.shrunk(0.98, 0.9).overlaps(other)]


def test_all_figures_of_a_run_can_be_drawn(run, recwarn):
    said = []
    files = save(run, [*FROM_RECORDS, "densities"], dataset="spikes", say=said.append)
    assert said == []
    assert {f"{name}-spikes.png" for name in ("samples", "forest", "densities")} <= {file.name for file in files}
    assert not [str(w.message) for w in recwarn if issubclass(w.category, UserWarning | RuntimeWarning)]


@pytest.mark.parametrize("dataset", POINTS)
def test_samples_have_their_true_number_and_no_outlier_sets_the_axes(run, dataset):
    figure = draw(run, "samples", dataset)[f"samples-{dataset}"]
    n = 2 if dataset == "ten" else 30
    assert figure.get_suptitle().startswith(f"{dataset}: {n} samples of seed 0 each")
    panels = [panel for panel in figure.axes if panel.axison]
    assert panels[0].get_title() == f"truth: {short(dataset, 20)}\n{n} points"
    (low, high), (bottom, top) = panels[0].get_xlim(), panels[0].get_ylim()
    assert high > low
    assert top > bottom
    if "spike" in dataset:
        assert high - low < 10
        assert any("outside" in text for text in words(figure))


@pytest.mark.parametrize("dataset", ["one_coordinate", "one_spike"])
def test_one_coordinate_is_shown_as_histograms_over_the_same_bins(run, dataset):
    panels = [p for p in draw(run, "samples", dataset)[f"samples-{dataset}"].axes if p.axison]
    assert not any(panel.collections for panel in panels)
    bins = [panel.patches[0].get_data().edges for panel in panels]
    assert all(np.array_equal(bins[0], other) for other in bins)
    assert 6 <= len(bins[0]) - 1 <= 20, "2 n^(1/3) of 30 points, and as wide ones beyond"
    assert {panel.get_ylim() for panel in panels} == {panels[0].get_ylim()}


def test_densities_of_stretched_data_fill_their_panels(run):
    panel = draw(run, "densities", "stretched")["densities-stretched"].axes[1]
    assert min(panel.images[0].get_array().shape) >= 50
    box = panel.get_window_extent()
    assert 0.5 < box.height / box.width < 2


def test_classes_of_recorded_data_are_drawn_with_test_points(tmp_path):
    run = genbench.run("gaussian", "halves", task="classify", results=tmp_path, **SMALL)
    figure = draw(run, "decisions")["decisions"]
    assert "and 30 test points;" in " ".join(figure.get_suptitle().split())
    assert len(figure.axes[0].collections[0].get_offsets()) == 30
    p = np.exp(run.arrays(run.trials[0].key)["map"])  # (rows from below, columns, classes)
    corner = figure.data.iloc[-1]
    assert (corner["class"], corner["p"]) == (p[-1, -1].argmax(), pytest.approx(p[-1, -1].max()))
    assert (corner["x"], corner["y"]) == (figure.data["x"].max(), figure.data["y"].max())


def test_a_reading_of_1e5_does_not_stretch_a_diagnosis(tmp_path):
    run = genbench.run("ar_linear", "one_reading", task="forecast", results=tmp_path, **SMALL)
    (figure,) = draw(run, "diagnosis").values()
    values, residuals, histogram, _ = figure.axes
    assert values.get_ylim()[1] - values.get_ylim()[0] < 12
    assert residuals.get_ylim()[1] - residuals.get_ylim()[0] < 12
    assert 5 <= len(histogram.patches) <= 20
    assert sum(text.get_text() == "1 outside" for panel in figure.axes for text in panel.texts) == 3
    density = histogram.lines[0]
    inside = np.abs(density.get_xdata()) < 3
    assert inside.sum() > 20, "the predicted density is known where the histogram is"
    fan = draw(run, "fan")["fan"].axes[0]
    assert fan.get_ylim()[1] - fan.get_ylim()[0] < 20


LONG = "cfm[hidden=96,depth=4,frequencies=3,lr=0.003,batch_size=512,source=moons,ema=0.999,steps={}]"
SCORES = {
    "oracle": (0.01, 0.0), "gaussian": (0.5, 1.6), LONG.format(40): (0.02, 0.01), LONG.format(80): (0.03, 0.02),
    "$a_1$ vs $b$": (1e20, 1e20), "modèle_é": (0.04, 0.03), "endless": (np.inf, np.inf),
}  # fmt: skip


def made(folder, scores, datasets=("a",)):
    """A run with these scores; infinite ones are put into its rows."""
    store = Store(folder / "r")
    store.create()
    kept = []
    for dataset in datasets:
        for i, (model, (w2, kl)) in enumerate(scores.items()):
            role = {"oracle": "oracle", "gaussian": "control"}.get(model, "model")
            cost = Cost(train_seconds=1.0 + i, samples_per_second=1e4 / (1 + i), parameters=100 * (1 + i), nfe=1.0)
            metrics = {"sliced_w2": min(w2, 1e300), "kl": min(kl, 1e300)}
            kept.append(record(spec(model=model, dataset=dataset), metrics=metrics, role=role, cost=cost))
            store.write(kept[-1])
    store.write_run(RunRecord(name="r", trials=[one.key for one in kept]))
    run = genbench.load_run(store.path)
    board = run.leaderboard()
    for row in board.rows:
        row.metrics |= {
            name: Cell(np.inf, None, None) for name, cell in row.metrics.items() if cell and cell.mean == 1e300
        }
    run.leaderboard = lambda *a, **k: board
    return run


def test_scores_that_are_infinite_or_huge_leave_the_others_apart(tmp_path):
    run = made(tmp_path, SCORES)
    forest = draw(run, "forest")["forest"]
    panels = [panel for panel in forest.axes if panel.axison]
    assert all(panel.get_xlim()[1] < 1 for panel in panels)
    for panel in panels:
        assert {"∞ →", "1e20 →"} <= {text.get_text() for text in panel.texts}
    heat = draw(run, "heat_map")["heat_map"].axes[0]
    assert heat.collections[0].get_clim()[1] < 1000
    assert {"∞", "1e22"} <= {text.get_text() for text in heat.texts}
    pareto = draw(run, "pareto")["pareto"]
    assert max(panel.get_ylim()[1] for panel in pareto.axes) < 100
    assert "endless ∞" in pareto.get_supxlabel()
    assert "$a_1$ vs $b$ 1e22" in pareto.get_supxlabel()


def test_the_page_draws_them_too(tmp_path):
    rows = made(tmp_path, SCORES).leaderboard().rows
    plots = scatters(rows, "sliced_w2", Links())
    assert len(plots) == 3
    assert {point.model for point in plots[0].points} == {LONG.format(40), LONG.format(80), "modèle_é"}
    assert plots[0].beyond == "endless, $a_1$ vs $b$" or plots[0].beyond == "$a_1$ vs $b$, endless"


def test_where_all_scores_are_infinite_or_zero_something_is_drawn(tmp_path):
    for k, (w2, kl) in enumerate([(np.inf, np.inf), (0.0, 0.0)]):
        run = made(tmp_path / str(k), {"oracle": (0.01, 0.0), "endless": (w2, kl)})
        assert len(draw(run, "forest")["forest"].axes) >= 2
        assert set(draw(run, "heat_map")) == (set() if w2 else {"heat_map", "heat_map-kl"})
        assert ("endless" if w2 else "") in draw(run, "pareto")["pareto"].get_supxlabel()


def test_names_longer_than_a_panel_stay_apart_and_overlap_nothing(tmp_path):
    path = "csv[path=/home/somebody/a/long/way/to/the/table_number_{}.csv]"
    run = made(tmp_path, SCORES, datasets=[path.format(k) for k in range(2)])
    heat = draw(run, "heat_map")["heat_map"].axes[0]
    for axis in (heat.xaxis, heat.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert len(set(labels)) == len(labels)
        assert max(map(len, labels)) <= 30
    heat.figure.draw_without_rendering()
    assert not overlapping(heat.figure, heat.get_yticklabels())
    figures = draw(run, "pareto")
    assert len(figures) == 2
    assert all("/" not in stem and len(stem.encode()) < 200 for stem in figures)
    figure = next(iter(figures.values()))
    assert not any(overlapping(figure, panel.texts) for panel in figure.axes)
    assert max(map(len, figure.get_suptitle().split("\n"))) < 120


def test_thirty_models_of_long_names_have_a_legend_where_there_is_no_room(tmp_path):
    run = made(tmp_path, {"oracle": (0.01, 0)} | {LONG.format(k): (0.02 * k, 0.1 * k) for k in range(1, 31)})
    figure = draw(run, "pareto")["pareto"]
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(set(named)) == 30
    assert not any(overlapping(figure, panel.texts) for panel in figure.axes)
    forest = draw(run, "forest")["forest"].axes[0]
    assert len({label.get_text() for label in forest.get_yticklabels()}) == 31


def test_samples_of_models_and_data_with_many_signs(tmp_path):
    model = "cost_$a_modèle_of_$b[first_parameter={},second_parameter=0.123456789,third=eight_gaussians]"
    data = "at_path[path=/home/somebody/$some_where$/in/a/table.csv]"
    run = genbench.run(
        f"{model.format(0.7)},{model.format(0.3)}", data, metrics="sliced_w2,nll", results=tmp_path, **SMALL
    )
    assert {trial.status for trial in run.trials} == {"ok"}
    figure = draw(run, "samples")["samples"]
    titles = [panel.get_title().split("\n")[0] for panel in figure.axes if panel.axison]
    assert len(set(titles)) == 4
    assert any(title.startswith("cost_$a_modèle") for title in titles)
    figure.draw_without_rendering()
    assert not overlapping(figure, [panel.title for panel in figure.axes])


def test_a_name_is_cut_in_its_middle_and_two_are_never_alike():
    assert short("abcdefghij", 10) == "abcdefghij"
    assert short("abcdefghijklmnop", 10) == "abcdef…nop"
    found = distinct([LONG.format(40), LONG.format(80), "kde"], 24)
    assert len(set(found.values())) == 3
    assert found["kde"] == "kde"
    assert max(map(len, found.values())) <= 24
    same_ends = distinct([f"model[first=1,second={k},third=3]" for k in range(3)], 20)
    assert len(set(same_ends.values())) == 3


def test_names_in_files_are_plain_and_of_two_paths_not_the_same():
    assert file_stem("moons[noise=0.1]") == "moons[noise=0.1]"
    assert file_stem("csv[path=/tmp/x y.csv]") == "csv[path=_tmp_x_y.csv]"
    long = [file_stem(f"csv[path=/{'a' * 80}/{k}/{'b' * 80}.csv]") for k in range(2)]
    assert long[0] != long[1]
    assert max(map(len, long)) <= 60
