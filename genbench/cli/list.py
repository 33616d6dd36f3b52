"""`genbench list`: the available models, datasets and metrics."""

from __future__ import annotations

import gc
from typing import Annotated, Literal, get_args

import typer

from genbench.cli.completion import complete_listed
from genbench.cli.options import Plugins, read_plugins
from genbench.core.errors import GenbenchError

__all__ = ["list_"]


Group = Literal["models", "datasets", "metrics"]


GroupName = Annotated[Group, typer.Argument(metavar="GROUP", help="What to list: models, datasets or metrics.")]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Name of one to show: its parameters, source and what it can do.",
        autocompletion=complete_listed,
    ),
]
Family = Annotated[str, typer.Option(metavar="FAMILY", help="Family to list, such as flow-matching. Default: all.")]
Kind = Annotated[
    str,
    typer.Option(
        metavar="points|table|image|series", help="Kind of data, of models and datasets to list. Default: all."
    ),
]
Can = Annotated[
    str,
    typer.Option(
        metavar="CAPABILITIES",
        help="Capabilities that models must have to be listed: samples, density, encodes, shows, conditions, "
        "imputes, classifies, forecasts; several: density,encodes.",
    ),
]
Capabilities = Annotated[
    bool,
    typer.Option(
        "--capabilities",
        help="Show a table of what each model can do: sample, density, encode, condition, fill gaps.",
    ),
]


def list_(
    group: GroupName = "models",
    name: Name = None,
    family: Family = "",
    kind: Kind = "",
    can: Can = "",
    capabilities: Capabilities = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List models, datasets or metrics, or show one of them.

    genbench list models
    genbench list models --family flow-matching
    genbench list models --can density,encodes --kind image
    genbench list models --capabilities
    genbench list datasets moons
    genbench list metrics kl
    """
    from genbench.core.registry import discover
    from genbench.display.card_filter import Filter
    from genbench.display.catalogue import print_capabilities, print_catalogue

    if capabilities and group != "models":
        raise GenbenchError(f"--capabilities shows models, not {group}; write: genbench list models --capabilities")
    chosen = Filter(family, kind, tuple(part.strip() for part in can.split(",") if part.strip()))
    if name is not None and (chosen.narrows or capabilities):
        raise GenbenchError(
            f"'{name}' is one name of {group}, and --family, --kind, --can and --capabilities choose among all; "
            "leave out the name or these options"
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
