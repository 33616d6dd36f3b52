"""`genbench list`: what there is."""

from __future__ import annotations

import gc
from enum import StrEnum
from typing import Annotated

import typer

from genbench.commands.common import Plugins, read_plugins

__all__ = ["list_"]


class Group(StrEnum):
    """What `list` can list."""

    models = "models"
    datasets = "datasets"
    metrics = "metrics"


def list_(
    group: Annotated[Group, typer.Argument(help="What to list.")] = Group.models,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """List models, datasets or metrics with their parameters and what they are."""
    from genbench.catalogue import print_catalogue
    from genbench.registry import discover

    plugins = read_plugins(plugin)
    gc.disable()  # a quarter of the time is the collector, looking at what the imports leave for good
    discover(tuple(plugins), groups=tuple(Group) if plugins else (group.value,))
    gc.freeze()
    print_catalogue(group.value)
