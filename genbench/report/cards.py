"""The card of a run on an index: samples, verdict, models, data and budget."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from genbench.analysis.ranking import MIN_DATASETS, rankings
from genbench.analysis.run_data import RunData
from genbench.display.ranking_view import ranking_view
from genbench.display.sentences import conclusion
from genbench.report.counts import count, successes
from genbench.report.page_figure import PageFigure
from genbench.report.sample_panels import SIDE_BY_SIDE, Strip

__all__ = ["Card", "card"]

WIDTH, QUALITY = 640, 55  # of its image: a card is 20 to 30 rem wide, and an index may have a hundred
NAMED = 8  # models or datasets, and then "and 3 more"; chosen by hand


@dataclass(frozen=True)
class Card:
    """The card of a run on the index.

    Attributes:
        image: the image as an address; "" if the page of the run has no samples side by side.
        verdict: one or more sentences; "" if nothing is compared.
    """

    image: str
    alt: str
    date: str
    verdict: str
    models: str
    data: str
    budget: str
    trials: str


def card(run: RunData, figures: Sequence[PageFigure]) -> Card:
    """Return the card of a run; `figures` are the figures of its page."""
    trials = run.trials
    side_by_side = [one for kind in SIDE_BY_SIDE for one in figures if one.figure == kind and not one.moving]
    return Card(
        image=_image(side_by_side[0]) if side_by_side else "",
        alt=side_by_side[0].alt if side_by_side else "",
        date=run.record.date,
        verdict=_verdict(run),
        models=_listed([trial.model for trial in trials if trial.role == "model"] or [t.model for t in trials]),
        data=_listed([trial.dataset for trial in trials]),
        budget=", ".join(dict.fromkeys(trial.budget for trial in trials)),
        trials=f"{count(len({trial.seed for trial in trials}), 'seed')}, {successes(trials)}",
    )


def _verdict(run: RunData) -> str:
    """Return what a run shows: over its datasets, or of its first table."""
    board = run.leaderboard()
    if over_datasets := [one for one in rankings(board) if len(one.datasets) >= MIN_DATASETS]:
        return " ".join(ranking_view(one).sentence for one in over_datasets)
    return next(filter(None, (conclusion(board, row.place) for row in board.rows)), "")


def _listed(names: Sequence[str]) -> str:
    """Return different names as a list, cut where it is long."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED + 1 else ""
    return ", ".join(names[:NAMED] if more else names) + more


def _image(figure: PageFigure) -> str:
    """Return the first row of a figure as a small image, as an address."""
    from PIL import Image

    row = Image.open(io.BytesIO(figure.content)).convert("RGB")
    row = row.crop((0, 0, figure.width, Strip.of(figure, "").cut))
    row.thumbnail((WIDTH, WIDTH))
    out = io.BytesIO()
    row.save(out, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
