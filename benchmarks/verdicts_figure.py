"""Draw docs/verdicts.png: the verdicts on two moons, and how often a worse model is found.

Run it as `python benchmarks/verdicts_figure.py [docs/verdicts.png]`; a minute.
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from verdicts import simulate

import genbench
from genbench.statistics.best import compare_with_best
from genbench.statistics.paired import holm, paired_tests

RUN, METRIC = "results/reference/moons-quick", "sliced_w2"
COLOURS = {"best": "#1b7837", "as good": "#7fbf7b", "open": "#8c8c8c", "worse": "#b2182b"}
FACTORS = np.array([1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 4, 5])
TABLES, MODELS, SEEDS = 400, 10, (3, 5)


def verdicts(axes: Axes) -> None:
    """Draw how much worse than the best of the others each model of a stored run may be."""
    run = genbench.load_run(RUN)
    (contest,) = run.leaderboard().contests[run.trials[0].place, METRIC]
    order = np.argsort(contest.found.mean)[::-1]
    for height, i in enumerate(order):
        verdict, (low, high) = contest.verdict(i), contest.worse_by(i)
        axes.plot([low, high], [height, height], color=COLOURS[verdict], lw=3, solid_capstyle="butt")
        axes.text(high * 1.08, height, verdict, color=COLOURS[verdict], va="center", fontsize=9)
    axes.axvline(1, color="black", lw=0.8)
    axes.axvspan(1, contest.margin or 1, color="#7fbf7b", alpha=0.25, lw=0)
    axes.text(1.02, len(order) - 0.45, "margin", color="#1b7837", fontsize=8)
    axes.set(
        xscale="log", xlim=(0.17, 30), ylim=(-0.6, len(order)),
        yticks=range(len(order)), yticklabels=[contest.rows[i].model for i in order],
        xlabel="sliced W2, times worse than the best of the other models\n(below 1: it may lead)",
        xticks=[0.2, 0.5, 1, 2, 5, 10, 20], title="Two moons, three seeds: 95 % intervals, jointly",
    )  # fmt: skip
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")


def power(axes: Axes) -> None:
    """Draw how often one model of ten that is worse is found, by the comparison with the best and by t-tests."""
    for seeds, style in zip(SEEDS, ("-", "--"), strict=True):
        rng, found = np.random.default_rng(seeds), np.zeros((2, len(FACTORS)))
        for f, factor in enumerate(FACTORS):
            truth = np.log(np.append(np.ones(MODELS - 1), factor))
            for _ in range(TABLES):
                y = simulate("unequal", truth, seeds, rng)
                scores = np.exp(y)
                leader = scores[np.argmin(scores.mean(axis=1))]
                p = holm(paired_tests(np.broadcast_to(leader, scores.shape), scores)[-1])
                found[:, f] += not compare_with_best(y).in_set[-1], p[-1] < 0.05
        for name, colour, share in zip(
            ("comparison with the best", "paired t-tests, Holm"), ("C0", "C1"), found, strict=True
        ):
            axes.plot(
                FACTORS, 100 * share / TABLES, style, color=colour, marker="o", ms=3, label=f"{name}, {seeds} seeds"
            )
    axes.axhline(80, color="black", lw=0.6, ls=":")
    axes.set(
        xscale="log", xticks=[1.1, 1.5, 2, 3, 5], ylim=(0, 102), xlabel="how many times worse it truly is",
        ylabel="found, % of tables", title="Ten models, one of them worse",
    )  # fmt: skip
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.25))


def main() -> None:
    """Write the figure."""
    mpl.use("Agg")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), width_ratios=(1.25, 1))
    verdicts(left)
    power(right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.title.set_fontsize(10)
    figure.tight_layout()
    figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "docs/verdicts.png", dpi=110)


if __name__ == "__main__":
    main()
