"""The command line: its commands, and its handling of errors."""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import os
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
from genbench.cli.help import Command, Group, texts_of
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

__all__ = ["main", "start"]

KEPT = "finished trials are kept, the same command resumes"

app = typer.Typer(
    name="genbench",
    cls=Group,
    help="Compare generative models on problems where the truth is known.\n\n"
    "Start with: genbench run --models all --data moons\n\n"
    "Each command has examples: genbench run --help. The Tab key completes the names of models, datasets and metrics "
    "after: genbench --install-completion",
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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


def _signal(error: KeyboardInterrupt) -> str:
    """Return the name of the signal that stopped a command."""
    number = getattr(error, "number", signal.SIGINT)
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def _kept(command: Callable[..., None]) -> str:
    """Return what is left of the work of a command that was stopped, and what to do."""
    return KEPT if command in COMMANDS["Train and score"] else "the command did not finish; type it again"


def _quiet(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command answer a signal that stops it with one line and its exit code, before typer sees it."""

    @functools.wraps(command)
    def quiet(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt as error:
            with contextlib.suppress(OSError):  # the terminal is gone, too
                say(f"stopped: {error!s}" if str(error) else f"stopped by {_signal(error)}: {_kept(command)}")
            raise typer.Exit(128 + getattr(error, "number", signal.SIGINT)) from None

    return quiet


# Before Python looks for garbage in cycles: a plan of 10,000 trials makes many objects and no garbage, and looking at
# them took 0.2 of 3.6 seconds. By hand; Python's own is (700, 10, 10).
COLLECTIONS = (50_000, 20, 20)

COMMANDS: dict[str, tuple[Any, ...]] = {
    "Train and score": (run, tune, sweep, rescore, score, sample),
    "Look at a run": (leaderboard, plot, report, compare, power, cite),
    "Know and extend": (list_, data, new, check, selftest),
    "Share and repeat": (bundle, verify, merge, trust),
}
for _title, _commands in COMMANDS.items():
    for _command in _commands:
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, rich_help_panel=_title)
        else:
            _name = _command.__name__.rstrip("_")
            app.command(_name, cls=Command, rich_help_panel=_title, **texts_of(_command))(_quiet(_command))


def main() -> None:
    """Run the command line.

    The exit code is 0 if all is well, 1 if trials failed, and 2 if the request was wrong. If a signal stops it, such as
    that of Ctrl-C, the exit code is 128 plus its number.
    """
    gc.set_threshold(*COLLECTIONS)
    write_any_sign()
    try:
        with handled(dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), stop_now)):
            app(prog_name="genbench")  # also for `python -m genbench`
    except GenbenchError as error:
        say(f"error: {error}")
        sys.exit(2)


def start() -> None:
    """Run the command line in a process of its own, and end it at once.

    To tidy up torch and its half a million objects takes half a second, in which nothing is done.
    """
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
        if sys.gettrace() or sys.getprofile():  # a debugger or profiler has something to say at the end
            raise
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # its reader is gone
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
