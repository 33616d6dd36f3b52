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
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The only one to show: all that is known of it.")
    ] = None,
    family: Annotated[str, typer.Option(metavar="FAMILY", help="Only this family, such as flow-matching.")] = "",
    kind: Annotated[
        str, typer.Option(metavar="points|table|image|series", help="Only models and datasets of this kind of data.")
    ] = "",
    can: Annotated[
        str,
        typer.Option(
            metavar="CAPABILITIES",
            help="Only models that can do this: samples, density, encodes, shows, conditions, imputes, classifies, "
            "forecasts; or several: density,encodes.",
        ),
    ] = "",
    capabilities: Annotated[
        bool,
        typer.Option("--capabilities", help="What each model can do: sample, density, encode, condition, fill gaps, …"),
    ] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List models, datasets or metrics with their parameters and what they are, or show one.

    genbench list models --family flow-matching
    genbench list models --can density,encodes --kind image
    genbench list models --capabilities
    genbench list metrics kl
    """
    from genbench.core.registry import discover
    from genbench.display.card_filter import Filter
    from genbench.display.catalogue import print_capabilities, print_catalogue

    if capabilities and group != "models":
        raise GenbenchError(f"--capabilities is about models, not {group}; write genbench list models")
    chosen = Filter(family, kind, tuple(part.strip() for part in can.split(",") if part.strip()))
    if name is not None and (chosen.narrows or capabilities):
        raise GenbenchError(
            f"{group} '{name}' is one; leave out --family, --kind, --can and --capabilities, or the name"
        )
    plugins = read_plugins(plugin)
    gc.disable()  # nothing that imports make is garbage
    discover(tuple(plugins), groups=get_args(Group) if plugins else (group,))
    gc.freeze()
    if name is not None:
        from genbench.display.card_view import print_card

        print_card(group, name)
    elif capabilities:
        print_capabilities(chosen)
    else:
        print_catalogue(group, chosen)
