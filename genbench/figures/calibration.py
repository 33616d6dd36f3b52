"""Calibration: the share of test points in a model's regions, minus the nominal share.

The same is shown for quantiles of forecasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.figures.shared.coordinates import chance, column_names, held_out
from genbench.figures.shared.panels import by_dataset, datasets_of, distinct, first_seeds, is_image, short
from genbench.plotting.canvas import panels
from genbench.plotting.labels import Look, styles
from genbench.plotting.style import FAINT
from genbench.storage.records import TrialRecord

__all__ = ["draw", "excess", "ranks", "region_levels"]

LEVELS = np.linspace(0, 1, 101)
MOST = 10_000  # samples and test points of a curve: more take seconds, without visible change
LINE = 0.27  # inches of a line of the legend beside the panels
COORDINATES = 3  # panels of coordinates: the worst on average over models
REGIONS = "highest-density regions"
LONGEST, LETTER = 24, 0.065  # letters of a name, and inches of one
SIGNS = {"estimate": " ≈", "bound": " ≤"}
REGIONS_NOTE = (
    "Highest-density regions: above 0, a region that should hold a share α of the points holds more: the model is "
    "too wide. Below 0, it is too narrow. "
)
PIT_NOTE = (
    "PIT: u is the share of the model's samples below a test point. An arch means that samples are too large, a bowl "
    "too small; first above and then below 0, that they vary too little. "
)
BAND_NOTE = "Grey band: what 95 % of models that equal the truth stay within (Kolmogorov and Smirnov{shared})."


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per dataset, by file stem.

    The stem is `calibration` for a single dataset, else `calibration-<dataset>`. The densities are those that were
    scored, at the test points and at the first of the model's own samples. Forecasts have their own figure,
    `diagnosis`.
    """
    found = {name: frame for name in datasets_of(run) if len(frame := _frame(run, name))}
    return by_dataset(run, "calibration", found, lambda name: _figure(name, found[name]))


def region_levels(test: Array, own: Array) -> Array:
    """Return the mass of a model's smallest highest-density region with each test point, [n].

    It is the share of the model's own samples whose density is at least as high (Hyndman 1996). For a model that equals
    the truth, the masses are uniform on [0, 1].

    Args:
        test: the model's log-densities at test points [n].
        own: the model's log-densities at its own samples [m].
    """
    return 1 - np.searchsorted(np.sort(own), test, "left") / len(own)


def ranks(test: Array, own: Array) -> Array:
    """Return the share of a model's samples [m] at or below each test value [n]: the PIT.

    It is uniform if both have the same distribution.
    """
    return np.searchsorted(np.sort(own), test, "right") / len(own)


def excess(u: Array) -> Array:
    """Return, for each α of `LEVELS`, the share of numbers u [n] up to α, minus α."""
    return np.searchsorted(np.sort(u), LEVELS + 1e-12, "right") / len(u) - LEVELS  # 1e-12: rounding of shares


def _frame(run: RunData, dataset: str) -> pd.DataFrame:
    """Return a row for each curve, model and level: the excess at it, and the half width of the band."""
    trials = [trial for trial in first_seeds(run, dataset) if trial.status == "ok"]
    image, seeds = is_image(run, dataset), {trial.seed: trial for trial in reversed(trials)}
    truth = cache(lambda seed: held_out(run, seeds[seed]))
    parts: list[pd.DataFrame] = []

    def add(trial: TrialRecord, curve: str, u: Array, band: float) -> None:
        facts = {"curve": curve, "model": trial.model, "role": trial.role, "likelihood": trial.likelihood}
        parts.append(pd.DataFrame(facts | {"level": LEVELS, "excess": excess(u), "band": band}))

    for trial in trials:
        stored = run.arrays(trial.key)
        test, own = (stored.get(name, np.empty(0)) for name in ("test_log_prob", "samples_log_prob"))
        if len(test) and len(own) and not (np.isnan(test).any() or np.isnan(own).any()):
            add(trial, REGIONS, region_levels(test, own), chance(len(test), len(own)))
        if image or (samples := stored.get("samples")) is None:
            continue
        known, real = truth(trial.seed)
        if samples.shape[1:] == real.shape[1:]:
            x, y = (part[:MOST].reshape(min(MOST, len(part)), -1) for part in (real, samples))
            for i, name in enumerate(column_names(known, x.shape[1])):
                add(trial, name, ranks(x[:, i], y[:, i]), chance(len(x), len(y), x.shape[1]))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _figure(dataset: str, frame: pd.DataFrame) -> Figure:
    """Draw the regions, and the coordinates that are farthest from the diagonal, on average over the models."""
    far = frame.assign(far=frame["excess"].abs()).groupby(["curve", "model"], sort=False)["far"].max()
    means = far.groupby("curve", sort=False).mean()
    coordinates = means.drop(REGIONS, errors="ignore")
    worst = list(coordinates.sort_values(ascending=False, kind="stable").index[:COORDINATES])
    curves = [name for name in (REGIONS, *sorted(worst, key=list(coordinates.index).index)) if name in means]
    frame = frame[frame["curve"].isin(curves)]
    within = (frame["excess"].abs() <= frame["band"]).groupby(frame["model"], sort=False).all()
    models = list(within.index)
    kinds = frame.groupby("model")["likelihood"].first()
    names = {model: name + SIGNS.get(kinds[model], "") for model, name in distinct(models, LONGEST).items()}
    columns = 2 if len(curves) in (2, 4) else min(3, len(curves))
    wide = 3.0 + (0.6 + LETTER * max(map(len, names.values()))) / columns  # its share of the legend included
    high = max(3.2, LINE * len(models) / -(-len(curves) // columns))
    figure, places = panels(len(curves), (wide, high), columns, margin=1.2)
    figure.data = frame.reset_index(drop=True)
    looks = styles([model for model in models if not within[model]])
    for panel, curve in zip(places, curves, strict=False):
        _show(panel, curve, frame[frame["curve"] == curve], looks)
    alike = places[REGIONS in curves :]  # panels of coordinates, on one axis
    reach = max((abs(end) for panel in alike for end in panel.get_ylim()), default=0.0)
    for panel in alike:
        panel.set_ylim(-reach, reach)
    handles = [Line2D([], [], label=names[model], **look) for model, look in looks.items()]
    handles += [Line2D([], [], label=names[model], color=FAINT) for model in models if within[model]]
    figure.legend(handles=handles, loc="outside right center")
    tested = frame.loc[frame["role"] != "oracle", "model"].unique()
    figure.suptitle(f"{dataset}: calibration; {sum(m in looks for m in tested)} of {len(tested)} models leave a band")
    total = len(coordinates)
    shared = f"; of all {total} coordinates together, by Bonferroni" if total > 1 else ""
    notes = REGIONS_NOTE * (REGIONS in curves) + PIT_NOTE * (total > 0)
    figure.supxlabel(notes + BAND_NOTE.format(shared=shared))
    return figure


def _show(panel: Axes, curve: str, frame: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    """Draw one curve of every model: in colour if it leaves the band of any curve, else in grey."""
    band = float(frame["band"].max())  # of the model with the fewest samples
    panel.axhspan(-band, band, color=FAINT, alpha=0.25, linewidth=0)
    panel.axhline(0, color=FAINT, linewidth=0.8)
    leaving = frame["model"].isin(looks)
    colours, marks = ({model: look[part] for model, look in looks.items()} for part in ("color", "marker"))
    several = {"hue": "model", "style": "model", "palette": colours, "markers": marks, "dashes": False, "markevery": 10,
               "markersize": 4.5, "markeredgewidth": 0}  # fmt: skip
    for part, more in ((frame[~leaving], {"units": "model", "color": FAINT}), (frame[leaving], several)):
        if len(part):
            sns.lineplot(part, x="level", y="excess", estimator=None, legend=False, linewidth=1.1, ax=panel, **more)
    regions = curve == REGIONS
    panel.set_title(curve if regions else f"PIT of {short(curve, LONGEST)}")
    panel.set(
        xlim=(0, 1), xlabel="mass α of the region" if regions else "u: share of samples below",
        ylabel="share of test points − α" if regions else "share of test points − u",
    )  # fmt: skip
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    panel.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %".replace("-", "−"))
