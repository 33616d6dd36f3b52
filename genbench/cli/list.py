"""`genbench list`: what there is."""

from __future__ import annotations

import gc
from typing import Annotated, Literal, get_args

import typer

from genbench.cli.options import Plugins, read_plugins
from genbench.core.errors import GenbenchError

__all__ = ["list_"]


Group = Literal["models", "datasets", "metrics"]


def list_(
    group: Annotated[Group, typer.Argument(help="What to list.")] = "models",
    capabilities: Annotated[
        bool,
        typer.Option("--capabilities", help="What each model can do: sample, density, encode, condition, fill gaps, …"),
    ] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List models, datasets or metrics with their parameters and what they are.

    genbench list models --capabilities
    """
    from genbench.core.registry import discover
    from genbench.display.catalogue import print_capabilities, print_catalogue

    if capabilities and group != "models":
        raise GenbenchError(f"--capabilities is about models, not {group}; write genbench list models")
    plugins = read_plugins(plugin)
    gc.disable()  # nothing that imports make is garbage
    discover(tuple(plugins), groups=get_args(Group) if plugins else (group,))
    gc.freeze()
    if capabilities:
        print_capabilities()
    else:
        print_catalogue(group)
