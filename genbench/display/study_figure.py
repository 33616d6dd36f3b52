"""The figures of a study: the search of each model."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from genbench.core.files import write_whole
from genbench.core.regular_files import write_within
from genbench.core.search_ranges import Range
from genbench.plotting.search import Searched, draw_search
from genbench.plotting.style import styled
from genbench.runs.tuning.scoring import METRICS
from genbench.runs.tuning.space import Space
from genbench.storage.studies import ModelStudy, Study

__all__ = ["draw_study"]


def draw_study(study: Study, spaces: Mapping[str, Space], folder: Path) -> Iterator[Path]:
    """Draw the search of each model with a configuration that did not fail; yield the files.

    Args:
        spaces: search space of each model.
        folder: the folder of the study.
    """
    figures = write_within(folder, "figures")
    for own in study.models:
        if own.model in spaces and any(one.status == "ok" for one in own.configurations):
            out = io.BytesIO()
            with styled():
                draw_search(_searched(study, own, spaces[own.model])).savefig(out, format="png")
            content = out.getvalue()
            file = figures / f"search-{re.sub(r'[^A-Za-z0-9_.+=]+', '_', own.model).strip('_')[:60]}.png"
            write_whole(file, lambda target, content=content: target.write(content))  # type: ignore[misc]
            yield file


def _searched(study: Study, own: ModelStudy, space: Space) -> Searched:
    """Return the configurations of a model as they are drawn."""
    settled = own.settled
    behind = np.array([np.nan if one.behind is None else one.behind for one in settled])
    values = {name: [one.params.get(name) for one in settled] for name in space.ranges}
    logarithmic = [name for name, where in space.ranges.items() if isinstance(where, Range) and where.logarithmic]
    metrics = set(own.metrics.values())
    unit = "nats" if metrics == {METRICS[0]} else "share of the distance" if len(metrics) == 1 else "nats and shares"
    title = f"{own.model}: {len(settled)} configurations on {', '.join(study.seeds)}, budget {study.budget}"
    return Searched(title, behind, values, logarithmic, unit)
