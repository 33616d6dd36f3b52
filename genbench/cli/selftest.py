"""`genbench selftest`: the results of metrics for samples with a known fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from genbench.cli.completion import complete
from genbench.cli.options import Plugins, read_plugins
from genbench.cli.run_options import Quiet
from genbench.core.errors import GenbenchError

if TYPE_CHECKING:
    from genbench.evaluation.selftest import Cell, SelfTest

__all__ = ["selftest"]


def selftest(
    data: Annotated[
        str,
        typer.Option(
            metavar="NAME", help='Synthetic dataset: "moons[noise=0.1]".', autocompletion=complete("datasets")
        ),
    ] = "eight_gaussians",
    repeats: Annotated[int, typer.Option(metavar="N", min=1, help="Number of draws of each case.")] = 20,
    samples: Annotated[int, typer.Option(metavar="N", min=50, help="Number of points in a draw.")] = 2_000,
    metrics: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Metrics: all, a family, or names.", autocompletion=complete("metrics")),
    ] = "all",
    shift: Annotated[
        float, typer.Option(metavar="NUMBER", min=0, help="Shift of the mean in one case, in standard deviations.")
    ] = 0.1,
    format: Annotated[
        Literal["table", "json"], typer.Option(metavar="table|json", help="Format of the output.")
    ] = "table",
    quiet: Quiet = False,
    plugin: Plugins = [],  # noqa: B006
) -> None:
    """Test how often each metric sees a known fault.

    Each case is the truth with one fault, such as a moved mean or a lost mode. A metric that misses a fault cannot rank
    models by it. The case null has no fault: a metric that sees one there measures chance.

      genbench selftest
      genbench selftest --data moons --metrics c2st,mmd2,w2 --repeats 50 --samples 5000
    """
    from genbench.contracts.data_files import select_datasets
    from genbench.contracts.dataset import DATASETS
    from genbench.core.parameters import bind, create
    from genbench.core.registry import discover
    from genbench.core.strict_json import strict_json
    from genbench.evaluation.selftest import selftest as test

    plugins = tuple(read_plugins(plugin))
    discover(plugins, groups=("datasets", "metrics"))
    chosen = [one.selection for one in select_datasets(data)]
    if len(chosen) != 1:
        raise GenbenchError(f"'{data}' names {len(chosen)} datasets, and the self-test takes one; name one of them")
    card = DATASETS[chosen[0].name]
    result = test(create(card, bind(card, chosen[0].params)), metrics, repeats, samples, shift, progress=not quiet)
    if format == "json":
        typer.echo(strict_json(result.public()))
    else:
        _show(result, str(chosen[0]))


def _show(result: SelfTest, dataset: str) -> None:
    """Print power in percent, then the means, then what the numbers mean."""
    from rich.markup import escape

    from genbench.display.rich_tables import console, empty_table

    out = console()
    for title, cell_text in (("share of draws that score worse than the truth, %", _power), ("mean score", _mean)):
        table = empty_table(["metric", *result.cases], title=f"{dataset}: {title}", left=("metric",), lines=False)
        for metric, row in result.cells.items():
            cells = ((row[name], name == "null") for name in result.cases)
            table.add_row(metric, *("–" if cell is None else cell_text(cell, null) for cell, null in cells))
        out.print(table, "")
    for name, what in result.cases.items():
        out.print(f"{name}: {escape(what)}", style="dim")
    out.print(
        f"Of {result.repeats} draws of {result.samples:,} points a case, the share that score worse than 95 % of "
        f"{result.null_repeats} other draws from the truth.\n100: the metric sees the fault every time; 5: it does not "
        "see it. The null has no fault and must be near 5 (in brackets: its 95 % interval);\nless is a score that "
        "hardly varies: kl, which is 0 for the truth, or a whole number. ▲: the share that score better than 95 % of\n"
        "the truth's: the metric is fooled. ∞: no finite score. –: does not apply.",
        style="dim",
    )


def _power(cell: Cell, null: bool) -> str:
    text = f"{100 * cell.power:.0f}"
    if null:
        return f"{text} [{100 * cell.low:.0f}, {100 * cell.high:.0f}]".replace("[", r"\[")
    return text + (f" ▲{100 * cell.praised:.0f}" if cell.praised > 0.5 else "")


def _mean(cell: Cell, null: bool) -> str:
    text = "∞" if cell.mean is None else f"{cell.mean:.3g}"
    return text if cell.exact is None else f"{text} (exact {cell.exact:.3g})"
