"""Latent interpolation: images between the codes of two test images, one row per pair."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from genbench.analysis.run_data import RunData
from genbench.contracts.model import ModelCard
from genbench.contracts.optional_methods import SupportsDecoding, SupportsEncoding, SupportsLatentSampling, supports
from genbench.core.types import Array
from genbench.downstream.interpolation import latent_paths
from genbench.estimator.estimator import Estimator
from genbench.figures.shared.panels import datasets_of, distinct
from genbench.figures.shared.sample_panel import SamplePanel
from genbench.figures.shared.titles import head, room
from genbench.figures.shared.trained_models import by_models
from genbench.plotting.canvas import panels
from genbench.storage.records import TrialRecord

__all__ = ["draw"]

NEEDS_WEIGHTS = True
PAIRS, STEPS, COLUMNS = 4, 9, 2
Row = tuple[Array, bool]  # images [pairs, steps, c, h, w], and whether their ends are test images


def draw(run: RunData) -> dict[str, Figure]:
    """Return one figure per image dataset, by file stem.

    The stem is `latents` for a single dataset, else `latents-<dataset>`.
    """

    def show(view: SamplePanel, trial: TrialRecord, estimator: Estimator) -> Row:
        pairs = min(PAIRS, len(view.real) // 2)
        images = latent_paths(estimator, view.real[:pairs], view.real[pairs : 2 * pairs], STEPS, trial.seed)
        return images, isinstance(estimator.model, SupportsEncoding)

    return by_models(run, "latents", datasets_of(run, images=True), _decodes, SamplePanel, show, _figure)


def _decodes(card: ModelCard) -> bool:
    coded = supports(card.factory, SupportsEncoding) or supports(card.factory, SupportsLatentSampling)
    return coded and supports(card.factory, SupportsDecoding)


def _figure(dataset: str, view: SamplePanel, found: Sequence[tuple[TrialRecord, Row]]) -> Figure:
    figure, places = panels(len(found), (4.6, 2.45), COLUMNS, margin=0.5, gap=0.08)
    names = distinct((trial.model for trial, _ in found), room(places[0]))
    for panel, (trial, (images, encoded)) in zip(places, found, strict=False):
        panel.imshow(view.as_one(images.reshape(-1, *images.shape[2:]), STEPS), interpolation="nearest")
        head(panel, names[trial.model] + ("" if encoded else ", between its own samples"))
    for panel in places:
        panel.set_axis_off()
    figure.suptitle(f"{dataset}: from one test image to another on an arc between their codes")
    return figure
