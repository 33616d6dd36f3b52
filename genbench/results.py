"""A run in Python: its data, its figures and its report."""

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
    """A run with its figures and its report.

    A corrupt trial file is named in `problems` and left out.

    Raises:
        GenbenchError: the folder holds no run.
    """

    def _repr_html_(self) -> str:
        from genbench.display.notebook import run_html

        return run_html(self)

    def figures(self, name: str, dataset: str | None = None, **choice: Unpack[Choice]) -> dict[str, DataFigure]:
        """Return the figures of a name by their file stems, one for each dataset.

        `genbench.figures.available()` has the names.

        Args:
            name: the name of the figure.
            dataset: draw only this one; all unless given.
            choice: `models`: draw only these, beside the oracle. `style`: page, paper (widths of one and two columns,
                no titles) or talk. `coordinates`: names, or numbers from 1 on, of the coordinates that `pairs` and
                `marginals` show, by default the worst.

        Raises:
            GenbenchError: the figure, the dataset, a model, a coordinate or the style is unknown.
        """
        from genbench.figures import draw

        return draw(self, name, dataset, **choice)

    def plot(self, name: str, dataset: str | None = None, **choice: Unpack[Choice]) -> DataFigure:
        """Return the figure of a name: `run.plot("samples", dataset="moons")`.

        The `data` of the figure are the numbers that it shows. The arguments are those of `figures`.

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
        """Write the report of the run as one file, and return the path.

        Unless given, the file is report.html in the run's folder.

        Raises:
            GenbenchError: no trial is finished, or the file cannot be written.
        """
        from genbench.report import write_report

        return write_report(self, self.path / "report.html" if file is None else Path(file))
