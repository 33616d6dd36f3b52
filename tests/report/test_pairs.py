"""The drawing of pairs of coordinates: which they are, where the points lie, and what the page says of them."""

import json
import re

import numpy as np
import pytest

import genbench
from genbench.metrics.ks import kolmogorov_smirnov
from genbench.report.pairs import CELL, POINTS, _ticks, pair_plots
from genbench.report.run_page import run_page
from genbench.storage.records import RunRecord
from genbench.storage.store import Store
from trial_records import record, spec

EVIL = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A table of seven columns, one with an odd name, of which a model has six right and the leader four."""
    folder, rng = tmp_path_factory.mktemp("pairs"), np.random.default_rng(0)
    rows, names = rng.normal(size=(600, 7)) * [1, 1e3, 1e-3, 1, 1, 1, 1], ["a", "b", "c", EVIL, "e", "f", "g"]
    text = ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names)
    np.savetxt(folder / "t.csv", rows, "%.9g", ",", header=text, comments="")
    store, keys = Store(folder / "r"), []
    store.create()
    for model, role, score, moved in (
        ("leader", "model", 0.1, (0, 1, 3)),
        ("second", "model", 0.2, (6,)),
        ("truth", "oracle", 0.01, ()),
    ):
        s = spec(
            model=model,
            dataset="t.csv",
            dataset_name="csv",
            dataset_params={"path": str(folder / "t.csv")},
            protocol={"samples": 500},
        )
        samples = rng.normal(size=(500, 7)) * [1, 1e3, 1e-3, 1, 1, 1, 1]
        for k, column in enumerate(moved):
            samples[:, column] += (3 - k) * rows[:, column].std()
        store.write(record(s, metrics={"w2": score}, role=role), {"samples": samples})
        keys.append(s.key)
    store.write_run(RunRecord(name="r", trials=keys))
    return genbench.load_run(store.path)


@pytest.fixture(scope="module")
def plot(run):
    (found,) = pair_plots(run).values()
    return found


def test_the_coordinates_are_those_that_differ_most_in_the_order_of_the_table(run, plot):
    data = json.loads(plot.data)
    assert plot.model == data["sets"][1]["name"] == "leader"
    assert len(data["names"]) == 5
    assert {"a", "b", EVIL} <= set(data["names"])
    assert data["names"] == [name for name in ["a", "b", "c", EVIL, "e", "f", "g"] if name in data["names"]]
    samples = run.samples(next(t.key for t in run.trials if t.model == "leader"))
    assert plot.ks[0] > plot.ks[1] > plot.ks[data["names"].index(EVIL)] > 0.1
    assert plot.ks[0] == pytest.approx(kolmogorov_smirnov(samples[:, 0], samples[:, 0] - 3), abs=0.1)


def test_points_lie_where_their_numbers_say(run, plot):
    data = json.loads(plot.data)
    samples = run.samples(next(t.key for t in run.trials if t.model == "leader"))
    shown = np.array(data["sets"][1]["values"])
    assert shown.shape == (POINTS, 5)
    low, high = np.array(data["low"]), np.array(data["high"])
    which = [["a", "b", "c", EVIL, "e", "f", "g"].index(name) for name in data["names"]]
    np.testing.assert_allclose(shown / (high - low), samples[:POINTS, which] / (high - low), atol=1e-3)
    panel = next(p for p in plot.panels if (p.column, p.row) == (2, 4))
    dots = np.array(re.findall(r"M(\S+) (\S+)h0", panel.paths[1]), dtype=float)
    x, y = (CELL * ((shown - low) / (high - low))[:, [2, 4]]).T
    inside = (x >= 0) & (x <= CELL) & (y >= 0) & (y <= CELL)
    np.testing.assert_allclose(dots, np.column_stack([x, CELL - y])[inside], atol=0.2)


def test_the_page_has_it_and_takes_names_for_what_they_are(run, plot):
    page = run_page(run, ["pairs"])
    assert page.count('class="pairs"') == 1
    assert EVIL not in page
    assert len(page.partition('class="pairs"')[2].partition("</figure>")[0].encode()) < 150_000
    assert 'class="pairs"' not in run_page(run, None)
    assert len(plot.panels) == 15


def test_points_of_the_plane_and_pictures_have_none(tmp_path):
    store, rng, keys = Store(tmp_path / "r"), np.random.default_rng(0), []
    store.create()
    for dataset, shape in (("moons", (2,)), ("digits", (1, 8, 8))):
        s = spec(model="m", dataset=dataset, dataset_name=dataset, dataset_params={}, protocol={"samples": 50})
        store.write(record(s), {"samples": rng.normal(size=(50, *shape))})
        keys.append(s.key)
    store.write_run(RunRecord(name="r", trials=keys))
    assert pair_plots(genbench.load_run(store.path)) == {}


@pytest.mark.parametrize("ends", [(0, 1), (-3e5, 7e5), (738_000.2, 738_001.4), (1e-9, 3e-9), (-1.0, 1e-4)])
def test_numbers_on_an_axis_are_inside_and_apart(ends):
    ticks = _ticks(*ends)
    assert 1 <= len(ticks) <= 2
    assert all(-1e-6 <= tick.at <= CELL + 1e-6 for tick in ticks)
    assert len({tick.text for tick in ticks}) == len(ticks)
