"""The errors and warnings that genbench raises on purpose."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from genbench.core.console import harmless

__all__ = [
    "BadLoss",
    "BadSamples",
    "ContractError",
    "Diverged",
    "GenbenchError",
    "GenbenchWarning",
    "WeightsDoNotFit",
    "collected_warnings",
    "nearest",
    "shown",
]

SHOWN = 80  # letters of what was given that an error repeats; by hand: a line
MANY = 60  # names in a message, by hand: there are 30 models of genbench


class GenbenchError(Exception):
    """An error of a request. Its text is one line: the input, the reason, the remedy."""

    def __str__(self) -> str:
        return harmless(" ".join(super().__str__().splitlines()))  # whatever an input that it repeats holds


class ContractError(GenbenchError):
    """A plugin broke its contract: a wrong shape, a wrong type, NaN instead of a number."""


class BadLoss(ContractError):
    """A loss is not one number, so nothing can be learnt from it.

    Attributes:
        method: of the model, which returned it.
        suspects: a regular expression of the line that returns it.
    """

    method = "training_loss"
    suspects = r"return "


class BadSamples(ContractError):
    """A model's samples have the wrong shape or are not finite, so they are not scored."""


class WeightsDoNotFit(GenbenchError):
    """Weights do not fit a model with these parameters on data of this shape."""


class GenbenchWarning(UserWarning):
    """A warning about a setting that works but affects how scores must be read.

    Its text is one line.
    """


@contextlib.contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect the text of each GenbenchWarning in the block, each text once.

    Other warnings are shown as usual.
    """
    texts: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", GenbenchWarning)
        show = warnings.showwarning

        def collect(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, GenbenchWarning):
                show(message, category, *where, **more)
            elif str(message) not in texts:
                texts.append(str(message))

        warnings.showwarning = collect
        yield texts


class Diverged(GenbenchError):
    """Training produced a non-finite or exploding loss."""


def shown(text: str, most: int = SHOWN) -> str:
    r"""Return the beginning of a text from elsewhere, in one line.

    A visible character replaces each that a line cannot hold.

    The result cannot move a terminal's cursor or change its colours.

    >>> shown("two\nlines, \x1b[31mred")
    'two lines, �[31mred'
    """
    line = " ".join(text[: 4 * most].split())
    cut = line[:most] + "…" if len(line) > most or len(text) > 4 * most else line
    return harmless(cut)


def nearest(name: str, known: list[str]) -> str:
    """Return "; did you mean …?" with the nearest known names.

    If none is near and the list of known names is short, it is the whole list.
    """
    from difflib import get_close_matches

    close = get_close_matches(name[:SHOWN], known, n=5, cutoff=0.5)
    close = sorted(close, key=lambda other: sorted(other) != sorted(name))[:3]  # swapped letters come first
    if close:
        return f"; did you mean {' or '.join(close)}?"
    names = sorted(set(known))
    return f"; known: {', '.join(names) or 'none'}" if len(names) <= MANY else "; `genbench list` shows what there is"
