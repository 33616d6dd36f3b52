"""A check of a contract: what it expects, what a failure means, and its verdict."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from genbench.core.cards import Card
from genbench.core.errors import BadLoss, ContractError
from genbench.core.exception_text import message_of, place_of
from genbench.testing.source_lines import line_of

__all__ = ["Check", "CheckFailed", "DoesNotApply", "NotReached", "Verdict", "check", "require"]

CRASHED = "the code raised an exception; the traceback of the same call in Python shows how it got there"
BROKEN = "a method returned what its contract does not allow"


class CheckFailed(AssertionError):
    """What a failed check found.

    Attributes:
        meaning: what the failure usually means; the check's own if empty.
        methods: the methods of the plugin that may have the fault; the check's own if empty.
        suspects: a regular expression for the code with the fault; the check's own if empty.
        line: file and line of the fault, as "my_model.py:31", if known.
    """

    def __init__(
        self, found: str, meaning: str = "", methods: tuple[str, ...] = (), suspects: str = "", line: str = ""
    ) -> None:
        super().__init__(found)
        self.meaning, self.methods, self.suspects, self.line = meaning, methods, suspects, line


class DoesNotApply(Exception):
    """The reason why a check does not apply to a plugin."""


class NotReached(DoesNotApply):
    """Why a check could not be done: what it looks at failed before."""


def require(fine: bool, found: str, meaning: str = "", methods: tuple[str, ...] = (), suspects: str = "") -> None:
    """Raise a CheckFailed with what was found, unless `fine` is true.

    It works also where Python's own assertions are turned off.
    """
    if not fine:
        raise CheckFailed(found, meaning, methods, suspects)


@dataclass(frozen=True)
class Verdict:
    """The result of a check of a plugin.

    Attributes:
        check, group, name: the name of the check, "model", "dataset" or "metric", and the name of the plugin.
        status: "passed", "failed", "skipped", or "unreached" if what it looks at failed before.
        expected, found: what was expected and found, as text. For a check without a result, `found` is the reason.
        meaning: what the failure usually means, and what to do; "" if it did not fail.
        line: the line of the plugin's code, as "my_model.py:31"; "" if it did not fail or no line is known.
        error_rate: how often a correct plugin fails the check by chance; 0 if chance is not involved.
        seconds: the duration of the check, in seconds.
        crash: the exception that the plugin raised and its place, by which the same one is known again; "" for none.
    """

    check: str
    group: str
    name: str
    status: str
    expected: str
    found: str
    meaning: str = ""
    line: str = ""
    error_rate: float = 0.0
    seconds: float = 0.0
    crash: str = ""

    def public(self) -> dict[str, Any]:
        """Return the verdict as plain data; `passed` is None if the check does not apply."""
        return {
            "check": self.check,
            self.group: self.name,
            "passed": {"passed": True, "failed": False}.get(self.status),
            "expected": self.expected,
            "found": self.found,
            "meaning": self.meaning,
            "line": self.line,
            "error_rate": self.error_rate,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        if self.status != "failed":
            return f"{self.check} {self.status}: {self.found}"
        where = f" at {self.line}" if self.line else ""
        return (
            f"{self.name} fails {self.check}{where}: {self.found}; expected: {self.expected}; usually: {self.meaning}"
        )


class Check:
    """A check of a plugin, made of a function.

    The function raises CheckFailed with what is wrong, raises DoesNotApply with a reason, or returns what it found.
    A call of the check returns without a result if it does not apply. `verdict` gives all details.

    Attributes:
        expected: what a correct plugin does, as text.
        meaning: what a failure usually means, and what to do.
        methods: the methods of the plugin that usually have the fault.
        suspects: a regular expression for the code that usually has the fault.
        error_rate: how often a correct plugin fails by chance.
    """

    def __init__(
        self,
        function: Callable[..., str | None],
        expected: str,
        meaning: str,
        methods: tuple[str, ...],
        suspects: str,
        error_rate: float,
    ) -> None:
        self.function, self.expected, self.meaning = function, expected, meaning
        self.methods, self.suspects, self.error_rate = methods, suspects, error_rate
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__

    def __repr__(self) -> str:
        return f"<check {self.name}>"

    def __call__(self, *arguments: Any, **more: Any) -> None:
        with suppress(DoesNotApply):
            self.function(*arguments, **more)

    def verdict(
        self, card: Card, group: str, arguments: Callable[[], tuple[Any, ...]], more: Mapping[str, Any]
    ) -> Verdict:
        """Return the verdict of a call of the function with these arguments.

        Exceptions of the plugin are caught.
        """
        facts = {"check": self.name, "group": group, "name": card.name}
        begin = time.perf_counter()
        status, found, meaning, line, crash = "passed", "", "", "", ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = self.function(*arguments(), **more) or "as expected"
            except NotReached as reason:
                status, found = "unreached", str(reason)
            except DoesNotApply as reason:
                status, found = "skipped", str(reason)
            except CheckFailed as failure:
                status, found, meaning = "failed", str(failure), failure.meaning or self.meaning
                line = failure.line or line_of(card, failure.methods or self.methods, failure.suspects or self.suspects)
            except Exception as error:  # a plugin may raise anything
                status, found = "failed", f"{type(error).__name__}: {message_of(error)}"
                meaning = BROKEN if isinstance(error, ContractError) else CRASHED
                place = place_of(error, [str(card.file)])
                line = place or _line_of_fault(error, card, self)
                crash = f"{type(error).__name__} {place or (line if isinstance(error, BadLoss) else found)}"
        seconds = time.perf_counter() - begin
        return Verdict(
            **facts, status=status, expected=self.expected, found=found, meaning=meaning, line=line,
            error_rate=self.error_rate, seconds=seconds, crash=crash,
        )  # fmt: skip


def _line_of_fault(error: Exception, card: Card, of: Check) -> str:
    """Return the line at which an exception usually has its cause, where no line of the plugin raised it."""
    if isinstance(error, BadLoss):
        return line_of(card, (error.method,), error.suspects)
    return line_of(card, of.methods, of.suspects)


def check(
    *, expected: str, meaning: str, methods: tuple[str, ...] = (), suspects: str = "", error_rate: float = 0.0
) -> Callable[[Callable[..., str | None]], Check]:
    """Make a check from a function; the arguments are the attributes of `Check`."""
    return lambda function: Check(function, expected, meaning, methods, suspects, error_rate)
