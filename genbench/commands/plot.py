"""`genbench plot`: the pictures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.commands.common import say
from genbench.errors import GenbenchError

__all__ = ["plot"]


def plot(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A run's folder.")] = None,
    figures: Annotated[
        list[str] | None, typer.Argument(metavar="[FIGURE]...", help="Which figures. Default: all.")
    ] = None,
    list_figures: Annotated[bool, typer.Option("--list", help="List the figures and exit.")] = False,
) -> None:
    """Draw the figures of a run, from its files, into its figures folder."""
    from genbench.api import load_run
    from genbench.figures import available, save

    if list_figures:
        for name, what in available().items():
            typer.echo(f"{name:12} {what}")
        return
    if run is None:
        raise GenbenchError(
            "plot needs a run's folder, such as results/moons-quick; `genbench plot --list` lists the figures"
        )
    loaded = load_run(run)
    for file in save(loaded, figures or ()):
        typer.echo(str(file))
    for problem in loaded.problems:
        say(problem)
