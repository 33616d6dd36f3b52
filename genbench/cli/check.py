"""`genbench check`: whether a model, a dataset or a metric fulfils its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.completion import complete_any
from genbench.cli.options import Device, Plugins, read_plugins, say
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.testing.check import Verdict
    from genbench.testing.contract import Item

__all__ = ["check"]

MARKS = {"passed": "✓", "failed": "✗", "skipped": "–", "unreached": "·"}


Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH|NAME",
        help='File or folder with models, datasets or metrics; or names: "cfm[steps=10]", a family, or all.',
        autocompletion=complete_any,
    ),
]
Fast = Annotated[
    bool, typer.Option("--fast", help="Leave out checks that train for seconds; less than 20 s for each model.")
]
BudgetText = Annotated[
    str,
    typer.Option(
        metavar="BUDGET",
        help="Training of each of the two test runs: quick (10 s), standard (45 s), steps (2000) or seconds (30s).",
    ),
]
Controls = Annotated[
    bool,
    typer.Option("--controls", help="Check the checks: run each on a control that is wrong, which it must find."),
]
FormatName = Annotated[Literal["table", "json"], typer.Option(metavar="table|json", help="Format of the output.")]


def check(
    targets: Targets = None,
    fast: Fast = False,
    device: Device = "cpu",
    budget: BudgetText = "quick",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of data, training and samples.")] = 0,
    controls: Controls = False,
    format: FormatName = "table",
    json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Check that models, datasets or metrics keep their contract.

    Checked are shapes, seeds, densities, samples, gradients and devices; for a model also whether it learns two
    distributions in the plane. A failed check says what was expected, what was found, what that usually means, and the
    line of code. Exit code: 1 if a check fails, 2 if a name is unknown or a file cannot be imported.

      genbench check my_model.py
      genbench check cfm "gmm[components=8]" --fast
      genbench check my_model.py --format json
      genbench check --controls --fast
    """
    from genbench.contracts.recipe import Budget
    from genbench.core.hardware import choose_device
    from genbench.core.strict_json import strict_json
    from genbench.testing.contract import CheckOptions, items, plugins_of

    if bool(targets) == controls:
        what = "--controls takes no names" if controls else "there is nothing to check"
        raise GenbenchError(
            f"{what}; write genbench check my_model.py, genbench check cfm, or genbench check --controls"
        )
    Budget(budget)
    options = CheckOptions(fast, choose_device(device), budget, seed)
    as_json = json or format == "json"
    if controls:
        _check_the_checks(options.fast, budget, as_json)
        return
    if named := read_plugins(plugin):
        from genbench.core.registry import discover

        discover(tuple(named))
    every = [list(items(one, options)) for target in targets or [] for one in plugins_of(target)]
    verdicts = [_done(of_one, as_json) for of_one in every]
    if as_json:
        typer.echo(strict_json([one.public() for of_one in verdicts for one in of_one]))
    if any(one.status == "failed" for of_one in verdicts for one in of_one):
        raise typer.Exit(1)


def _done(every: list[Item], quiet: bool) -> list[Verdict]:
    """Do the checks of a plugin, and print each verdict as it comes."""
    verdicts: list[Verdict] = []
    for item in every:
        if not quiet and not verdicts:
            typer.echo(f"{item.plugin.group} {item.plugin.card.name} ({item.plugin.card.file})")
        verdicts.append(verdict := item.verdict())
        if not quiet:
            typer.echo("\n".join(_lines(verdict)))
    if not quiet and verdicts:
        typer.echo(_summary(verdicts) + "\n")
    return verdicts


def _lines(verdict: Verdict) -> list[str]:
    """Return what is printed of a verdict: a line, of one that failed all that is known."""
    first = f"  {MARKS[verdict.status]} {verdict.check:24} {verdict.found}"
    if verdict.status != "failed":
        chance = (
            f" [by chance: {_share(verdict.error_rate)}]" if verdict.error_rate and verdict.status == "passed" else ""
        )
        return [first + chance]
    return [
        first,
        f"      expected: {verdict.expected}",
        f"      usually:  {verdict.meaning}",
        *([f"      see:      {verdict.line}"] if verdict.line else []),
        *([f"      a right one fails {_share(verdict.error_rate)}"] if verdict.error_rate else []),
    ]


def _summary(verdicts: list[Verdict]) -> str:
    """Return how many checks passed, failed, did not apply and were not reached, and how likely a false alarm is."""
    passed, failed, skipped, unreached = (sum(one.status == status for one in verdicts) for status in MARKS)
    chance = sum(one.error_rate for one in verdicts if one.status in ("passed", "failed"))
    seconds = sum(one.seconds for one in verdicts)
    of_chance = f"; a right {verdicts[0].group} fails one by chance {_share(chance)}" if chance else ""
    later = f", {unreached} not reached" if unreached else ""
    return f"  {passed} passed, {failed} failed, {skipped} do not apply{later}, in {seconds:.0f} s{of_chance}"


def _share(rate: float) -> str:
    """Return a small probability in words.

    >>> _share(2e-6)
    'once in 500,000 runs'
    """
    return f"once in {float(f'{1 / rate:.2g}'):,.0f} runs"


def _check_the_checks(fast: bool, budget: str, as_json: bool) -> None:
    """Run each negative control through the checks, and say whether the right one fails."""
    from genbench.core.strict_json import strict_json
    from genbench.testing.contract import CheckOptions, Plugin, items
    from genbench.testing.controls.catalogue import controls

    rows = []
    for name, control in controls().items():
        if fast and not control.fast:
            continue
        every = items(Plugin(control.card), CheckOptions(fast=control.fast, budget=budget))
        verdict = next(item for item in every if item.check.name == control.caught_by).verdict()
        caught = verdict.status == "failed" and control.words in verdict.found
        rows.append({**verdict.public(), "control": name, "caught": caught})
        if not as_json:
            typer.echo(f"  {'✓' if caught else '✗'} {name:28} {verdict.check:24} {verdict.found}")
    missed = [str(row["control"]) for row in rows if not row["caught"]]
    if as_json:
        typer.echo(strict_json(rows))
    else:
        typer.echo(f"  {len(rows) - len(missed)} of {len(rows)} negative controls are caught")
    if missed:
        say(f"not caught: {', '.join(missed)}")
        raise typer.Exit(1)
