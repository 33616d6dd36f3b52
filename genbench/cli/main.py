"""The command line: its commands, and what becomes of errors."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from genbench import __version__
from genbench.cli.bundle import bundle
from genbench.cli.check import check
from genbench.cli.cite import cite
from genbench.cli.compare import compare
from genbench.cli.data import data
from genbench.cli.leaderboard import leaderboard
from genbench.cli.list import list_
from genbench.cli.merge import merge
from genbench.cli.new import new
from genbench.cli.options import say
from genbench.cli.plot import plot
from genbench.cli.power import power
from genbench.cli.report import report
from genbench.cli.rescore import rescore
from genbench.cli.run import run
from genbench.cli.sample import sample
from genbench.cli.score import score
from genbench.cli.selftest import selftest
from genbench.cli.sweep import sweep
from genbench.cli.trust import trust
from genbench.cli.tune import tune
from genbench.cli.verify import verify
from genbench.core.console import write_any_sign
from genbench.core.errors import GenbenchError
from genbench.core.interrupts import handled, stop_now

__all__ = ["main"]

KEPT = "finished trials are kept, the same command resumes"

app = typer.Typer(
    name="genbench",
    help="Compare generative models on problems where the truth is known.\n\n"
    "Start with: genbench run --models all --data moons",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"genbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _help(command: Callable[..., None]) -> str:
    """Return a command's docstring, in which indented examples keep their lines: a backspace says so to click."""
    return re.sub(r"\n\n(?=  )", "\n\n\b\n", inspect.cleandoc(command.__doc__ or ""))


def _quiet(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command answer a signal that stops it with one line and its exit code, before typer sees it."""

    @functools.wraps(command)
    def quiet(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as error:
            with contextlib.suppress(OSError):  # the terminal is gone, too
                say(f"stopped: {error or KEPT}")
            raise typer.Exit(128 + getattr(error, "number", signal.SIGINT)) from None

    return quiet


COMMANDS = (
    run, list_, new, check, tune, leaderboard, plot, report, compare, power, sample, score, rescore, sweep, selftest,
    trust, verify, merge, bundle, cite,
)  # fmt: skip
for _command in COMMANDS:
    app.command(_command.__name__.rstrip("_"), help=_help(_command))(_quiet(_command))
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line: exit code 0 when all is well, 1 when trials failed, 2 when the request was wrong.

    A signal that stops it, such as that of Ctrl-C, gives 128 and its number.
    """
    write_any_sign()
    try:
        with handled(dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), stop_now)):
            app()
    except GenbenchError as error:
        say(f"error: {error}")
        sys.exit(2)
