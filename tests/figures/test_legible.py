"""Figures from records: with 5 models or 25, on a page or in a paper, no words overlap or leave the canvas."""

import itertools

import numpy as np
import pytest

from genbench.analysis.leaderboard import Leaderboard
from genbench.figures import forest, heat_map, losses, seeds
from genbench.plotting.canvas import finish
from genbench.plotting.style import style_named, styled
from genbench.storage.records import Failure
from trial_records import record, spec

LONG = "spline_flow[bins=8,hidden=96,depth=4,seed_of_permutation={}]"
KINDS = ("exact", "bound", "estimate", "none")
FAILED = {"status": "invalid_samples", "error": Failure(phase="sample", type="E", message="", seconds=1.0)}


class Made:
    """What a figure needs of a run, without files: some models on datasets, one that failed, and one half of whose seeds did."""

    dataset = None

    def __init__(self, models, datasets=1, count=3):
        rng, steps = np.random.default_rng(models), list(np.arange(1.0, 21.0))
        self.whole, self.trials = self, []
        for d, m, seed in itertools.product(range(datasets), range(models), range(count)):
            name = "oracle" if m == 0 else LONG.format(m) if m % 3 else f"model_{m}"
            score = 0.1 * 1.1**m * float(rng.lognormal(sigma=0.2))
            facts = {
                "metrics": {"sliced_w2": score, "w2": 2 * score, "nll": 3 - score, "kl": score / 2, "mmd2": -score}
            }
            facts |= {"likelihood": KINDS[m % 4], "role": "oracle" if m == 0 else "control" if m == 4 else "model"}
            if m == 2 or (m == 3 and seed == 0):
                facts |= {"metrics": dict.fromkeys(facts["metrics"])} | FAILED
            elif m and d == 0:
                facts["history"] = {"step": steps, "loss": list(score * (1 + 1 / np.array(steps)))}
            self.trials.append(record(spec(model=name, model_name=name, dataset=f"dataset_{d}", seed=seed), **facts))
        self.board = Leaderboard.of(self.trials)

    def leaderboard(self):
        return self.board


def words(figure):
    """The texts of a figure that are seen, with their boxes."""
    found = [figure._suptitle, figure._supxlabel]
    for panel in figure.axes:
        if panel.axison:
            found += [panel.title, panel.xaxis.label, panel.yaxis.label, *panel.texts]
            for axis in (panel.xaxis, panel.yaxis):
                ends = sorted(axis.get_view_interval())
                ticks = [tick for tick in axis.get_major_ticks() if ends[0] <= tick.get_loc() <= ends[1]]
                found += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
    for legend in figure.legends:
        found += [legend.get_title(), *legend.get_texts()]
    return [(text, text.get_window_extent()) for text in found if text is not None and text.get_text()]


def check(figure):
    finish(figure)
    figure.draw_without_rendering()
    seen = words(figure)
    least = 7.0 - 1e-9
    for text, box in seen:
        assert text.get_fontsize() >= least, text
        assert box.x0 >= 0 and box.y0 >= 0, text  # noqa: PT018
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text  # noqa: PT018
    straight = [(text, box.shrunk(0.98, 0.85)) for text, box in seen if text.get_rotation() in (0.0, 90.0)]
    for (a, one), (b, other) in itertools.combinations(straight, 2):
        assert not one.overlaps(other), (a, b)


MODULES = {"forest": forest, "losses": losses, "seeds": seeds}
DEFAULT = {("forest", 20, "paper"), ("losses", 5, "page")}  # the others take long
SIZES = [(5, "page"), (5, "paper"), (13, "paper"), (25, "page"), (20, "paper"), (25, "paper"), (13, "talk")]
CASES = [
    pytest.param(*case, marks=() if case in DEFAULT else pytest.mark.slow)
    for case in ((name, *size) for name in MODULES for size in SIZES)
]


@pytest.mark.parametrize(("name", "models", "style"), CASES)
def test_scores_and_losses_are_legible(name, models, style):
    with styled(style_named(style)):
        for figure in MODULES[name].draw(Made(models)).values():
            check(figure)
            assert len(figure.data)


@pytest.mark.parametrize(
    ("models", "style"),
    [pytest.param(*size, marks=() if size == (13, "paper") else pytest.mark.slow) for size in SIZES],
)
def test_a_heat_map_of_likelihoods_is_legible(models, style):
    with styled(style_named(style)):
        check(heat_map.draw(Made(models, datasets=8, count=2))["heat_map-kl"])
