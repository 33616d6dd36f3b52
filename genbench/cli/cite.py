"""`genbench cite`: what to cite, as BibTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.options import Plugins, read_plugins, say
from genbench.core.errors import GenbenchError

__all__ = ["cite"]


def cite(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A run's folder. Without one: genbench alone.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Print BibTeX of genbench, and of the papers behind every model, dataset and metric of a run.

    Comments at the top say which entry is for what, and what names no paper. A plugin's own words (`paper` of a model,
    `source` of a dataset) stand there as a note where they are of none of genbench's entries.

      genbench cite results/moons-quick
      genbench cite results/moons-quick --output benchmark.bib
    """
    from genbench.display.citations import bibliography, references

    parts, title = [], ""
    if run is not None:
        from genbench.api import load_run

        loaded = load_run(run, plugins=read_plugins(plugin))
        parts, title = references(loaded), loaded.name
        for problem in loaded.problems:
            say(problem)
    text = bibliography(parts, title)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GenbenchError(f"cannot write {output}: {error.strerror or error}; choose another --output") from None
    typer.echo(str(output))
