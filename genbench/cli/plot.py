"""`genbench plot`: the figures of a run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.completion import complete
from genbench.cli.options import MarginText, Plugins, read_plugins, say, say_file
from genbench.cli.run_options import Quiet
from genbench.core.errors import GenbenchError

__all__ = ["plot"]

Formats = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="png,svg,pdf,csv",
        help="File formats, separated by commas. csv: the data that a figure shows, one row for each observation. "
        "Animations are always GIF files.",
    ),
]
StyleName = Annotated[
    str,
    typer.Option(
        metavar="page|paper|talk",
        help="Use of the figures. page: a web page. paper: one or two columns wide (3.25 or 6.75 inches), letters of "
        "at least 7 points, no titles. talk: half a slide or a whole slide, large letters. File names of the last two "
        "end in -paper and -talk.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Dataset to draw. Default: all of the run.", autocompletion=complete("datasets")),
]
Models = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Models to draw, as the table calls them; the oracle is always drawn. Default: all.",
        autocompletion=complete("models"),
    ),
]
Coordinates = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Coordinates for the figures pairs and marginals: names of columns, or numbers from 1. Default: those in "
        "which a model is farthest from the truth.",
    ),
]


def plot(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run.")] = None,
    figures: Annotated[
        list[str] | None,
        typer.Argument(metavar="FIGURE", help="Names of figures; --list shows them. Default: all."),
    ] = None,
    formats: Formats = "png",
    style: StyleName = "page",
    data: Data = None,
    models: Models = None,
    coordinates: Coordinates = None,
    margin: MarginText = None,
    list_figures: Annotated[bool, typer.Option("--list", help="List the figures and exit.")] = False,
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Draw the figures of a run.

    They are drawn from the files of the run, into its folder figures. If a figure fails, it is named, the others are
    drawn, and the exit code is 1.

      genbench plot results/moons-quick
      genbench plot results/moons-quick forest samples --models cfm,gan
      genbench plot results/moons-quick forest --style paper --format pdf,csv
      genbench plot --list
    """
    from genbench.analysis.verdicts import Margin
    from genbench.api import load_run
    from genbench.figures import save

    if list_figures:
        _list()
        return
    if run is None:
        raise GenbenchError(
            "plot needs a run's folder, such as results/moons-quick; `genbench plot --list` lists the figures"
        )
    loaded = load_run(run, plugins=read_plugins(plugin))
    loaded.margin = None if margin is None else Margin.parse(margin)
    failures: list[str] = []

    def fail(line: str) -> None:
        failures.append(line)
        say(line)

    kinds = [form.strip() for form in formats.split(",") if form.strip()]
    only = [] if models is None else _labels(models, {trial.model for trial in loaded.trials})
    its = [name.strip() for name in (coordinates or "").split(",") if name.strip()]
    for file in save(
        loaded, figures or (), kinds, dataset=data, models=only, style=style, coordinates=its, progress=not quiet,
        say=fail,
    ):  # fmt: skip
        say_file(file)
    for problem in loaded.problems:
        say(problem)
    if failures:
        raise typer.Exit(1)


def _list() -> None:
    """Say what figures there are."""
    from genbench.figures import available, needs_weights

    for name, what in available().items():
        typer.echo(f"{name:20} {what}{' (*)' if needs_weights(name) else ''}")
    typer.echo("\n(*) by the trained models, loaded again from the run's weights")


def _labels(text: str, known: Collection[str]) -> list[str]:
    """Return the models that a list names; a label may have commas of its own, as `cfm[steps=4,hidden=8]` has."""
    found, rest = list[str](), ""
    for part in text.split(","):
        rest = f"{rest},{part}" if rest else part.strip()
        if rest in known or not any(name.startswith(f"{rest},") for name in known):
            found.append(rest)
            rest = ""
    return found + [rest] * bool(rest)
