"""Marginals: histograms of each coordinate for the truth and the leader, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.coordinates import SOURCE, Compared, by_model, chance, histograms, legend
from genbench.figures.shared.panels import datasets_of, short
from genbench.plotting.canvas import DataFigure, fitting, in_first_column, new_figure
from genbench.plotting.style import BLUE, FAINT, INK, VERMILLION, current_style

__all__ = ["draw"]

MOST = 24  # panels
VALUES = 200  # at which a distribution function is drawn, about: as many as a panel has dots
WIDTH, HEIGHT, TEXT, ROW = 2.1, 2.5, 1.1, 6.5  # inches of a panel, of its lines of text, and of a row of few
HIGH = 0.32  # height of a histogram as a share of that of a panel, about
STRIP = 0.55  # height of the strip below a histogram, as a share of the histogram's
NOTE = (
    "Below each histogram, F(model) − F(truth): the difference of the shares of points up to a value, of {m:,} samples "
    "and {n:,} test points. KS, the Kolmogorov-Smirnov distance, is the largest, at the dot. Equal distributions stay "
    "within the grey band, ± {band:.3f}, in all {d} coordinates with 95 % probability: it is c √(1/n + 1/m), with c "
    "the upper quantile of Kolmogorov's distribution at 5 %{shared}. Red: beyond."
)


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset of points, rows or series.

    It shows the leader, or there is one figure for each chosen model.

    Raises:
        GenbenchError: a coordinate that was asked for does not exist.
    """
    return by_model(run, "marginals", datasets_of(run, images=False), lambda one: _figure(one, run.coordinates))


def _frame(one: Compared, which: Sequence[int]) -> pd.DataFrame:
    """Return both distribution functions, one row per value: about `VALUES` of them, with that of the largest gap."""
    parts = []
    for i in which:
        truth, samples = np.sort(one.truth[:, i]), np.sort(one.samples[:, i])
        pooled = np.concatenate([truth, samples])
        gaps = np.abs(_share(truth, pooled) - _share(samples, pooled))
        quantiles = np.quantile(pooled, np.linspace(0, 1, VALUES), method="nearest")
        values = np.unique(np.append(quantiles, pooled[gaps.argmax()]))
        facts = {"coordinate": one.names[i], "ks": one.distances[i], "value": values}
        for name, x in (("truth", truth), (one.trial.model, samples)):
            parts.append(pd.DataFrame(facts | {SOURCE: name, "share": _share(x, values)}))
    return pd.concat(parts, ignore_index=True)


def _share(ascending: Array, values: Array) -> Array:
    """Return the share of numbers, ascending [n], that is at most each of some values [k]."""
    return np.searchsorted(ascending, values, "right") / len(ascending)


def _figure(one: Compared, asked: Sequence[str]) -> Figure:
    which = sorted(one.asked(asked), key=lambda i: -one.distances[i]) if asked else one.worst(MOST)
    d, band = len(one.names), chance(len(one.truth), len(one.samples), len(one.names))
    figure, places, letters = _places(len(which))
    which = which[: len(places)]
    figure.data = _frame(one, which)
    reach = 1.1 * max(1.2 * band, float(one.distances[which].max()))  # of all strips
    for (panel, strip), i in zip(places, which, strict=True):
        histograms(panel, one, i)
        title = f"{short(one.names[i], letters)}\nKS {one.distances[i]:.3f}"
        panel.set_title(title, color=VERMILLION if one.distances[i] > band else INK)
        panel.set(xlabel="", ylabel="", xticks=[], yticks=[])
        _difference(strip, figure.data[figure.data["coordinate"] == one.names[i]], band)
        named = in_first_column(strip)
        strip.set(xlim=panel.get_xlim(), ylim=(-reach, reach), xlabel="", ylabel="difference" if named else "")
        strip.tick_params(labelleft=named)
    panel, (rows, _) = places[0][0], figure.axes[0].get_gridspec().get_geometry()  # type: ignore[union-attr]
    legend(panel, short(one.trial.model, max(4, letters - 8)), loc="upper left")
    lines = 3.4 * current_style().points("legend.fontsize") / 72  # inches of the legend
    panel.set_ylim(0, panel.get_ylim()[1] / (1 - min(0.6, lines * rows / 2 / (HIGH * figure.get_figheight()))))
    beyond, all_of = int((one.distances > band).sum()), f"{d} {'coordinates' if d > 1 else 'coordinate'}"
    part = f" (the {len(which)} worst are shown)" if len(which) < d and not asked else ""
    model = f"{one.trial.dataset}: {one.trial.model} beside the truth, seed {one.trial.seed}"
    figure.suptitle(f"{model}; {beyond} of {all_of} beyond chance{part}")
    shared = f" / {d} (Bonferroni)" if d > 1 else ""
    figure.supxlabel(NOTE.format(n=len(one.truth), m=len(one.samples), band=band, d=d, shared=shared))
    return figure


def _places(count: int) -> tuple[DataFigure, list[tuple[Axes, Axes]], int]:
    """Return a figure, a panel for the histogram of each coordinate and one for its strip, and letters in a line."""
    wide = max(WIDTH, ROW / count)
    rows, columns, shown = fitting(count, (wide, HEIGHT), (5, 6, 4), margin=1.2, text=TEXT)
    figure = new_figure(wide * columns, HEIGHT * rows + 1.2)
    grid = figure.subplots(2 * rows, columns, squeeze=False, gridspec_kw={"height_ratios": (1, STRIP) * rows})
    places = list(zip(grid[::2].ravel(), grid[1::2].ravel(), strict=True))
    for spare in chain.from_iterable(places[shown:]):
        spare.set_axis_off()
    return figure, places[:shown], current_style().letters(0.85 * figure.get_figwidth() / columns, "axes.titlesize")


def _difference(strip: Axes, part: pd.DataFrame, band: float) -> None:
    """Draw the difference of two distribution functions, its band, and a dot where it is largest."""
    shares = part.pivot_table(index="value", columns=SOURCE, values="share", sort=False)
    its = (shares.drop(columns="truth").iloc[:, 0] - shares["truth"]).rename("difference").reset_index()
    strip.axhspan(-band, band, color=FAINT, alpha=0.3, linewidth=0)
    strip.axhline(0, color=FAINT, linewidth=0.8)
    sns.lineplot(
        its, x="value", y="difference", estimator=None, color=BLUE, linewidth=1.0, drawstyle="steps-post", ax=strip
    )
    at, gap = its.iloc[int(its["difference"].abs().argmax())]
    strip.plot(at, gap, "o", color=VERMILLION if abs(gap) > band else INK, markersize=3.5)
    strip.xaxis.set_major_locator(MaxNLocator(3))
    strip.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
