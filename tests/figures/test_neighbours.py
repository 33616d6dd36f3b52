"""Samples beside their nearest training pictures."""

import numpy as np
import pytest

import genbench
from genbench.figures import available, neighbours
from genbench.figures.neighbours import SEARCHED, SIDE, rows_of


def pictures(n, seed, shape=(1, 3, 4)):
    return np.random.default_rng(seed).random((n, *shape))


def test_each_sample_stands_before_its_nearest_training_pictures():
    x, train = pictures(SEARCHED, 0), pictures(300, 1)
    x[200] = train[17]  # a copy
    x[-1] = train[40] + 1e-3
    rows = rows_of(x, train).images.reshape(SIDE, SIDE, 1, 3, 4)
    distances = np.sqrt(((x[:, None] - train[None]) ** 2).sum(axis=(2, 3, 4)))
    np.testing.assert_array_equal(rows[:3, 0], x[:3])
    np.testing.assert_array_equal(rows[3:5, 0], x[[200, SEARCHED - 1]])
    np.testing.assert_array_equal(rows[3, 1], train[17])
    np.testing.assert_array_equal(rows[4, 1], train[40])
    for i in range(3):
        np.testing.assert_array_equal(rows[i, 1:], train[np.argsort(distances[i])[: SIDE - 1]])
    assert rows_of(x, train).median == pytest.approx(np.median(distances.min(axis=1)))


def test_few_pictures_leave_places_empty():
    rows = rows_of(pictures(2, 0), pictures(3, 1)).images.reshape(SIDE, SIDE, 12)
    filled = np.isfinite(rows).all(axis=2)
    expected = np.zeros((SIDE, SIDE), dtype=bool)
    expected[:2, :4] = True
    np.testing.assert_array_equal(filled, expected)
    assert np.isfinite(rows_of(pictures(5, 0, (3, 2, 2)), pictures(8, 1, (3, 2, 2))).images).any()


def test_a_copy_is_seen_as_one(picture_run, monkeypatch):
    monkeypatch.setattr("genbench.evaluation.resolved_trial.MODELS", {})  # as in a process that knows no model yet
    assert "neighbours" in available()
    figures = neighbours.draw(picture_run)
    assert set(figures) == {"neighbours-digits"}
    panels = {p.get_title().partition("\n")[0]: p for p in figures["neighbours-digits"].axes if p.get_title()}
    assert set(panels) == {"test images: digits", "memoriser", "oracle", "nowhere"}
    assert [text.get_text() for text in panels["nowhere"].texts] == ["invalid_samples"]
    shown = np.asarray(panels["memoriser"].images[0].get_array())[..., 0]
    cells = [[shown[9 * i : 9 * i + 8, 9 * k : 9 * k + 8] for k in range(SIDE)] for i in range(SIDE)]
    for row in cells:
        np.testing.assert_allclose(row[0], row[1], atol=1e-6)
    assert np.abs(cells[0][0] - cells[0][2]).max() > 0.1
    median = float(panels["memoriser"].get_title().split("\n")[1].split()[0])
    held_out = float(panels["test images: digits"].get_title().split("\n")[1])
    assert median < 1e-5
    assert held_out > 0.1
    (figure,) = figures.values()
    assert "the first 200 that lie nearest" in " ".join(figure.get_supxlabel().split()), "as many as there are"
    assert float(panels["oracle"].get_title().split("\n")[1].split()[0]) == pytest.approx(held_out, rel=0.1)


def test_one_dataset_has_the_plain_name(picture_run, tmp_path):
    alone = genbench.run(
        "memoriser", "digits", seeds=1, results=tmp_path, name="n", jobs=0, samples=50, metrics="sliced_w2",
        progress=False, say=lambda _: None,
    )  # fmt: skip
    assert set(neighbours.draw(alone)) == {"neighbours"}
