"""The diagram of average ranks: its numbers, and that its words do not lie on one another."""

import itertools

import numpy as np
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.figures.critical_difference import draw
from genbench.plotting.canvas import finish
from genbench.plotting.style import style_named, styled
from genbench.statistics.ranks import Ranks
from trial_records import record, spec

NAMES = [
    "ot_cfm", "cfm", "spline_flow", "edm", "ddpm[steps=50]", "ddpm[prediction=epsilon,sampler=ddim,steps=20,ema=0.999]",
    "gmm", "ar", "vae", "gan", "coupling_flow", "maf",
]  # fmt: skip


class Made:
    """What a figure needs of a run, without files."""

    def __init__(self, scores, names=NAMES, metric="w2", likelihoods=("exact",)):
        self.trials = [
            record(
                spec(model=names[m], model_name=names[m], dataset=f"d{d}"),
                metrics={metric: float(x)}, likelihood=likelihoods[m % len(likelihoods)],
            )
            for d, line in enumerate(scores) for m, x in enumerate(line)
        ]  # fmt: skip

    def leaderboard(self):
        return Leaderboard.of(self.trials)


def texts(figure):
    return [figure.get_suptitle(), *(text.get_text() for axes in figure.axes for text in axes.texts)]


@pytest.mark.parametrize(
    ("datasets", "models", "strength", "style"),
    [
        (7, 12, 0.25, "page"),
        (7, 12, 0.0, "paper"),
        (40, 12, 3.0, "paper"),
        (5, 3, 0.25, "paper"),
        (40, 12, 0.25, "talk"),
    ],
)
def test_no_words_overlap(datasets, models, strength, style):
    noise = 0.4 * np.random.default_rng(0).normal(size=(datasets, models))
    with styled(style_named(style)):
        figure = draw(Made(np.exp(strength * np.arange(models) + noise)))["critical_difference"]
        finish(figure)
        figure.draw_without_rendering()
    (panel,) = figure.axes
    ticks = [tick for tick in panel.get_xticklabels() if 1 <= tick.get_position()[0] <= models]
    words = [*panel.texts, *ticks, figure._suptitle, figure._supxlabel]
    boxes = [word.get_window_extent() for word in words if word.get_text()]
    assert len(boxes) >= models + 3
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)
    whole = figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for box in boxes)


def test_ranks_are_those_of_the_scores():
    scores = np.exp(0.3 * np.arange(6) + np.random.default_rng(1).normal(size=(8, 6)))
    figure = draw(Made(scores))["critical_difference"]
    found, ranks = texts(figure), Ranks.of(scores)
    np.testing.assert_allclose(figure.data.set_index("model")["average_rank"][NAMES[:6]], ranks.average)
    for name, rank in zip(NAMES, ranks.average, strict=False):
        assert any(name[:8] in text and f"{rank:.2f}" in text for text in found), name
    assert f"CD = {ranks.critical_difference:.2f}" in found
    assert any("8 datasets" in text for text in found)


def test_a_bar_for_every_clique():
    scores = np.arange(6.0) + np.zeros((20, 1))  # ranks 1 to 6 on all of 20 datasets, CD 1.69
    figure = draw(Made(scores))["critical_difference"]
    bars = [line for line in figure.axes[0].lines if line.get_linewidth() == 3.5]
    assert len(bars) == len(Ranks.of(scores).cliques) == 5
    assert figure.data["bars"].tolist() == ["1", "1 2", "2 3", "3 4", "4 5", "5"]


def test_likelihood_kinds_have_diagrams_of_their_own():
    scores = np.random.default_rng(2).random((6, 8))
    figures = draw(Made(scores, metric="kl", likelihoods=("exact", "bound")))
    assert set(figures) == {"critical_difference-exact", "critical_difference-bound"}


def test_too_little_is_no_figure():
    rng = np.random.default_rng(3)
    assert draw(Made(rng.random((4, 6)))) == draw(Made(rng.random((9, 2)))) == {}
