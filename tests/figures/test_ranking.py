"""The figure of rank intervals: its lines, its verdicts, and that its words lie apart and inside."""

import itertools

import numpy as np
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.analysis.ranking import rankings
from genbench.figures.ranking import draw
from genbench.plotting.canvas import finish
from genbench.plotting.style import style_named, styled
from trial_records import record, spec


class Made:
    """What a figure needs of a run, without files."""

    def __init__(self, scores, names, kinds=("exact",), metric="w2"):
        self.trials = [
            record(
                spec(model=names[m], model_name=names[m], dataset=f"d{d}"),
                metrics={metric: float(x)}, likelihood=kinds[m % len(kinds)],
            )
            for m, row in enumerate(scores) for d, x in enumerate(row)
        ]  # fmt: skip

    def leaderboard(self):
        return Leaderboard.of(self.trials)


def scores(models, datasets):
    return np.exp(0.3 * np.arange(models)[:, None] + 0.2 * np.random.default_rng(0).normal(size=(models, datasets)))


def test_lines_are_the_intervals_of_the_ranks():
    made = Made(scores(6, 5), list("abcdef"))
    (one,) = rankings(made.leaderboard())
    figure = draw(made)["ranking"]
    (panel,) = figure.axes
    lines = [tuple(path.vertices[:, 0]) for path in panel.collections[0].get_paths()]
    assert lines == [model.ranks for model in one.models]
    np.testing.assert_array_equal(panel.collections[1].get_offsets(), [(i, i) for i in range(1, 7)])
    assert [tick.get_text() for tick in panel.get_yticklabels()] == [model.name for model in one.models]
    assert [text.get_text() for text in panel.texts] == [model.verdict for model in one.models]
    assert figure.data["score"].tolist() == [model.score.value for model in one.models]


@pytest.mark.parametrize(("models", "style"), [(2, "page"), (30, "page"), (25, "paper"), (13, "talk")])
def test_no_words_overlap(models, style):
    made = Made(scores(models, 4), [f"model_{m}[steps={m}]" for m in range(models)])
    with styled(style_named(style)):
        figure = draw(made)["ranking"]
        finish(figure)
        figure.draw_without_rendering()
    (panel,) = figure.axes
    words = [*panel.get_yticklabels(), *panel.texts, panel.xaxis.label, figure._suptitle, figure._supxlabel]
    boxes = [word.get_window_extent() for word in words if word.get_text()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_kinds_of_likelihood_are_apart_and_two_datasets_are_no_figure():
    names = list("abcdef")
    assert set(draw(Made(scores(6, 4), names, ("exact", "bound"), "kl"))) == {"ranking-exact", "ranking-bound"}
    assert draw(Made(scores(6, 2), names)) == {}
