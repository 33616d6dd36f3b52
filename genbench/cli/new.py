"""`genbench new`: the first file of your own model, dataset or metric, or a package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.cli.options import say_file
from genbench.core.errors import GenbenchError

__all__ = ["new"]

What = Annotated[
    Literal["model", "dataset", "metric", "project"],
    typer.Argument(
        metavar="WHAT",
        help="Kind of file, which comes with its test; project: an installable package with one of each.",
    ),
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A new name, for Python and the command line, such as my_flow.")
]
Kind = Annotated[
    Literal["torch", "numpy", "sklearn"] | None,
    typer.Option(
        metavar="torch|numpy|sklearn",
        help="Kind of model. torch: genbench trains it. numpy: it fits itself. sklearn: it wraps a model of "
        "scikit-learn. Default: torch.",
    ),
]
Folder = Annotated[Path, typer.Option(metavar="PATH", help="Folder to write into.")]


def new(what: What, name: Name, kind: Kind = None, folder: Folder = Path()) -> None:
    """Write the first lines of your own model, dataset or metric.

    The file has about 30 lines that run at once, comments that say what genbench expects, and a test. Replace what is
    not yours. A project is a package to install, with a model, a dataset, a metric, tests and a workflow for GitHub
    Actions; genbench finds them by entry points. No file is overwritten. The next commands to type are printed.

      genbench new model my_flow
      genbench new model my_mixture --kind sklearn
      genbench new dataset my_data
      genbench new metric my_metric
      genbench new project my_zoo --kind numpy
    """
    from genbench.authoring.starting_files import start, write

    if kind is not None and what not in ("model", "project"):
        raise GenbenchError(f"--kind {kind} is for models, and a {what} has no kind; write: genbench new {what} {name}")
    made = start(what, name, folder, kind or "torch")
    write(made.files)
    for file in made.files:
        say_file(file)
    typer.echo("\nNext:\n" + "\n".join(f"  {command}" for command in made.commands))
