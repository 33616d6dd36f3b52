"""A run in Python: its data, its figures and its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from genbench.analysis.run_data import RunData
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.figures import Choice
    from genbench.plotting.canvas import DataFigure

__all__ = ["Run"]


class Run(RunData):
    """A run with its figures and its page. A corrupt trial file is named in `problems` and left out.

    Raises:
        GenbenchError: the folder holds no run.
    """

    def _repr_html_(self) -> str:
        from genbench.display.notebook import run_html

        return run_html(self)

    def figures(self, name: str, dataset: str | None = None, **choice: Unpack[Choice]) -> dict[str, DataFigure]:
        """Return a figure by file stem, one for each dataset; `genbench.figures.available()` has the names.

        Args:
            name: of the figure.
            dataset: the only one to draw; all unless given.
            choice: `models`, the only ones to draw, beside the oracle; `style`, which is page, paper (widths of one and
                two columns, no titles) or talk; and `coordinates`, names or numbers from 1 on, of those that `pairs`
                and `marginals` show, by default the worst.

        Raises:
            GenbenchError: the figure, the dataset, a model, a coordinate or the style is unknown.
        """
        from genbench.figures import draw

        return draw(self, name, dataset, **choice)

    def plot(self, name: str, dataset: str | None = None, **choice: Unpack[Choice]) -> DataFigure:
        """Return the one figure of a name: `run.plot("samples", dataset="moons")`. Its `data` is what it shows.

        The arguments are those of `figures`.

        Raises:
            GenbenchError: a name is unknown, or there is no figure of the name, or several.
        """
        found = self.figures(name, dataset, **choice)
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise GenbenchError(
                f"there are {len(found)} figures '{name}' ({', '.join(sorted(found))}); "
                f'name a dataset, or take all of them from figures("{name}")'
            )
        where = self.path if dataset is None else f"{self.path} on {dataset}"
        raise GenbenchError(f"figure '{name}' cannot be drawn for {where}; `genbench plot --list` says what it shows")

    def report(self, file: str | Path | None = None) -> Path:
        """Write the page of the run, whole in one file (report.html in its folder unless given), and return the file.

        Raises:
            GenbenchError: no trial is finished, or the file cannot be written.
        """
        from genbench.report import write_report

        return write_report(self, self.path / "report.html" if file is None else Path(file))
