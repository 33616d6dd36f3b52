"""The layout of the help texts: commands and options in groups, examples at the end."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup

__all__ = ["Command", "Group", "texts_of"]

REST = "Options"  # the group of what has none; it comes last, with --help
MANY = 20  # options of a command whose help has groups; by hand: about a screen


class Command(TyperCommand):
    """A command whose help has many options in groups, and unchanged examples at the end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the groups of options, in the order of their first options."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        shown = [(param, record) for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        for param, record in shown:
            own = "Arguments" if param.param_type_name == "argument" else REST
            group = getattr(param, "rich_help_panel", None) if len(shown) > MANY else None
            groups.setdefault(group or own, []).append(record)
        groups[REST] = groups.pop(REST, [])
        _write(formatter, groups)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples without wrapping, so that they can be copied."""
        if self.epilog:
            formatter.write(f"\nExamples:\n{self.epilog}\n")


class Group(TyperGroup):
    """A group of commands whose help shows them in groups, each with its whole short help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the groups of commands, in the order of their first commands."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                title = getattr(command, "rich_help_panel", None) or "Commands"
                groups.setdefault(title, []).append((name, command.get_short_help_str(formatter.width)))
        _write(formatter, groups)


def texts_of(command: Callable[..., Any]) -> dict[str, Any]:
    """Return the help texts in a function's docstring.

    They are its first line, the text before its examples, and the examples.
    """
    text = inspect.cleandoc(command.__doc__ or "")
    before, *rest = re.split(r"\n\n(?=\s*genbench )", text)
    examples = "\n".join(f"  {line.strip()}" for part in rest for line in part.splitlines())
    return {"short_help": before.partition("\n")[0].rstrip("."), "help": before, "epilog": examples}


def _write(formatter: Any, groups: dict[str, list[tuple[str, str]]]) -> None:
    for title, rows in groups.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)
