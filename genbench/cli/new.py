"""`genbench new`: the first file of a model, dataset or metric of one's own, or a package of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.cli.options import say_file
from genbench.core.errors import GenbenchError

__all__ = ["new"]

What = Annotated[
    Literal["model", "dataset", "metric", "project"],
    typer.Argument(help="A file with its test, or (project) an installable package with one of each."),
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name, in Python and on the command line: my_flow. Not yet taken.")
]
Kind = Annotated[
    Literal["torch", "numpy", "sklearn"] | None,
    typer.Option(
        help="What the model is written in: torch (genbench trains it), numpy (it fits itself), or sklearn (it wraps a "
        "model of scikit-learn). Default: torch."
    ),
]
Folder = Annotated[Path, typer.Option(metavar="PATH", help="Where to write. Default: this folder.")]


def new(what: What, name: Name, kind: Kind = None, folder: Folder = Path()) -> None:
    """Write a model, dataset or metric of your own to start from: about 30 lines that run at once, and their test.

    Each file says what the engine expects, and what else there is; replace what is not yours. A project is a package to
    install, in which genbench finds a model, a dataset and a metric by entry points, with tests and a workflow for
    GitHub Actions. No file is overwritten. What to type next is printed.

      genbench new model my_flow
      genbench new model my_mixture --kind sklearn
      genbench new dataset my_data
      genbench new metric my_metric
      genbench new project my_zoo --kind numpy
    """
    from genbench.authoring.starting_files import start, write

    if kind is not None and what not in ("model", "project"):
        raise GenbenchError(f"--kind is of models; a {what} has none: genbench new {what} {name}")
    made = start(what, name, folder, kind or "torch")
    write(made.files)
    for file in made.files:
        say_file(file)
    typer.echo("\nNext:\n" + "\n".join(f"  {command}" for command in made.commands))
