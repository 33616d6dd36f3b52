"""Which property of the data breaks which model: dimension, tails, rare modes, thin support, dependence, scale."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from genbench.analysis.properties import LEAST, METRICS, Left, left_over
from genbench.analysis.run_data import RunData
from genbench.figures.shared.panels import distinct
from genbench.plotting.canvas import new_figure

__all__ = ["draw"]

LOW, HIGH = 0.01, 2.0  # ends of the colours, by hand: a hundredth of a control's distance, and twice it
LONGEST = 26  # letters of a name


def draw(run: RunData) -> dict[str, Figure]:
    """Return `properties`, where datasets of a run test two properties or more, and a control was scored on them."""
    found = left_over(run) if run.dataset is None else []
    tests = list(dict.fromkeys(one.test for one in found))
    if len(tests) < 2:
        return {}
    return {"properties": _figure(found, tests)}


def _figure(found: list[Left], tests: list[str]) -> Figure:
    means: dict[str, list[float]] = {}
    for one in found:
        means.setdefault(one.model, []).append(np.log(one.share))
    models = sorted(means, key=lambda model: np.nanmean(means[model]))
    cells = {(one.model, one.test): one for one in found}
    values = np.array([[cells[m, t].share if (m, t) in cells else np.nan for t in tests] for m in models])
    figure = new_figure(max(6.4, 1.2 * len(tests) + 3.4), 0.36 * len(models) + 2.2)
    panel = figure.subplots()
    image = panel.imshow(
        np.ma.masked_invalid(np.clip(values, LOW, HIGH)), cmap="viridis_r", norm=LogNorm(LOW, HIGH), aspect="auto"
    )
    for y, model in enumerate(models):
        for x, test in enumerate(tests):
            _write(panel, x, y, cells.get((model, test)), image)
    panel.set_xticks(range(len(tests)), tests)
    panel.set_yticks(range(len(models)), list(distinct(models, LONGEST).values()))
    panel.tick_params(length=0)
    bar = figure.colorbar(image, ax=panel, shrink=0.8, pad=0.02)
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    bar.ax.yaxis.set_minor_formatter("")
    bar.set_label("share left, log scale")
    figure.suptitle("What is left of a control's distance to the truth, by property of the data")
    figure.supxlabel(
        "KL over that of the best control, which knows mean and covariance: the geometric "
        "mean over the datasets for a property. †: by typicality, as the model has no density. "
        "100 %: no better than the control. In brackets: datasets without a score.",
    )
    return figure


def _write(panel: Axes, x: int, y: int, one: Left | None, image: AxesImage) -> None:
    if one is None or np.isnan(one.share):
        panel.text(x, y, "–", ha="center", va="center", color="#777777")
        return
    red, green, blue, _ = image.cmap(image.norm(np.clip(one.share, LOW, HIGH)))
    dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45
    percent = 100 * one.share
    digits = "< 0.1" if one.share <= LEAST else f"{percent:.0f}" if percent >= 10 else f"{percent:.1f}"
    text = f"{digits} %{'†' if one.metric != METRICS[0] else ''}{f' ({one.failed})' if one.failed else ''}"
    panel.text(x, y, text, ha="center", va="center", color="white" if dark else "#222222")
