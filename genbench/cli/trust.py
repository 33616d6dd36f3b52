"""`genbench trust`: files of code that may be imported if a run's records name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genbench.cli.options import say
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.core.trust import Trusted

__all__ = ["trust"]


def trust(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|RUN", help="Python files, or folders of runs whose plugins to trust."),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the trusted files and exit.")] = False,
    remove: Annotated[
        list[str],
        typer.Option("--remove", metavar="FILE|DIGEST", help="File to trust no longer. Repeat the option for more."),
    ] = [],  # noqa: B006
) -> None:
    """Allow genbench to run the code that a run names.

    A run of others may name any Python file. genbench runs none of them until you trust them. Read a file before you
    trust it. You trust its content and that of the files that it imports: after any change it is no longer trusted.

      genbench trust results/theirs
      genbench trust my_model.py
      genbench trust --remove my_model.py
    """
    from genbench.core.trust import distrust, trusted

    if not files and not list_ and not remove:
        raise GenbenchError("trust needs a Python file or the folder of a run; write: genbench trust my_model.py")
    for which in remove:
        for one in distrust(which):
            typer.echo(f"no longer trusted: {_line(one)}")
    for name in files or ():
        _add(Path(name))
    if list_:
        for one in trusted():
            typer.echo(_line(one))


def _add(path: Path) -> None:
    """Trust a file, or the plugins that a run's records name."""
    from genbench.core.errors import shown
    from genbench.core.trust import trust as trust_file

    if not path.is_dir():
        typer.echo(f"trusted: {_line(trust_file(path))}")
        return
    from genbench.analysis.run_data import RunData

    sources = dict.fromkeys(source for trial in RunData(path).trials for source in trial.spec.plugins)
    named = [source for source in sources if source.endswith(".py")]
    if not named:
        raise GenbenchError(f"{path} names no Python file, so there is nothing to trust; its commands work as they are")
    for source in named:
        if Path(source).is_file():
            typer.echo(f"trusted: {_line(trust_file(Path(source)))}")
        else:
            say(f"{shown(source, 500)} is not here; trust the file where it is now, and name it with --plugin")


def _line(one: Trusted) -> str:
    from genbench.core.trust import shown_path

    return f"{one.digest[:12]}  {one.since}  {shown_path(Path(one.file))}"
