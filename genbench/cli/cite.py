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
        Path | None, typer.Argument(metavar="RUN", help="Folder of a run. Default: cite genbench alone.")
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write instead of printing.")] = None,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Print BibTeX of genbench and of the papers behind a run.

    There is an entry for each paper of a model, dataset or metric. Comments at the top say which entry is for what, and
    what has no paper. For a plugin without an entry, its own words (`paper` of a model, `source` of a dataset) are
    printed as a note.

      genbench cite
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
