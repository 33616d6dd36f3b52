"""Small charts of losses over training steps, as lines of points for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array
from genbench.storage.records import TrialRecord

__all__ = ["HEIGHT", "WIDTH", "Chart", "charts"]

WIDTH, HEIGHT = 240, 90  # of a chart, in its own units
POINTS = 60  # of a line: more are not visible at this size
SPIKE = 0.98  # share of the values that a chart makes room for; a first step may be far above the rest


@dataclass(frozen=True)
class Chart:
    """A loss over the steps: `points` of an SVG polyline for each seed, and ends of axes."""

    name: str
    lines: list[tuple[int, str]]  # seed, points
    low: str
    high: str
    steps: str


def charts(trials: Sequence[TrialRecord]) -> list[Chart]:
    """Return a chart for each loss in the history of trials of one model."""
    names = dict.fromkeys(name for trial in trials for name in trial.history if name != "step")
    found = [_chart(name, {t.seed: _curve(t.history, name) for t in trials}) for name in names]
    return [chart for chart in found if chart is not None]


def _curve(history: Mapping[str, Sequence[float | None]], name: str) -> Array:
    """Return the steps and the finite values of a loss, [2, n]."""
    pairs = zip(history.get("step", []), history.get(name, []), strict=False)
    kept = [(step, value) for step, value in pairs if step is not None and value is not None and np.isfinite(value)]
    return np.array(kept, dtype=np.float64).reshape(-1, 2).T


def _chart(name: str, curves: Mapping[int, Array]) -> Chart | None:
    known = {seed: _thinned(curve) for seed, curve in curves.items() if curve.shape[1] > 1}
    if not known:
        return None
    values = np.concatenate([curve[1] for curve in known.values()])
    low, high = float(values.min()), float(np.quantile(values, SPIKE))
    last = max(float(curve[0, -1]) for curve in known.values())
    scale = np.array([WIDTH / last if last else 1.0, HEIGHT / (high - low) if high > low else 1.0])
    lines = []
    for seed, curve in known.items():
        x, y = curve[0] * scale[0], HEIGHT - (np.minimum(curve[1], high) - low) * scale[1]
        lines.append((seed, " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))))
    return Chart(name=name, lines=lines, low=f"{low:.3g}", high=f"{high:.3g}", steps=f"{last:,.0f}")


def _thinned(curve: Array) -> Array:
    """Return a curve [2, n] with at most `POINTS` points: the means of equal parts."""
    if curve.shape[1] <= POINTS:
        return curve
    return np.array([part.mean(axis=1) for part in np.array_split(curve, POINTS, axis=1)]).T
