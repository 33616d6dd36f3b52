"""The errors that genbench raises on purpose."""

__all__ = ["BadSamples", "ContractError", "Diverged", "GenbenchError", "nearest"]


class GenbenchError(Exception):
    """A request that cannot be met. Its text is one line: the input, the reason, the remedy."""


class ContractError(GenbenchError):
    """A plugin broke the contract: a wrong shape, a wrong type, NaN where a number is due."""


class BadSamples(ContractError):
    """A model's samples have the wrong shape or are not finite, so no metric may see them."""


class Diverged(GenbenchError):
    """Training produced a non-finite or exploding loss."""


def nearest(name: str, known: list[str]) -> str:
    """Return "; did you mean …?" with the nearest known names, or the list of all when none is near."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; known: {', '.join(sorted(known)) or 'none'}"
