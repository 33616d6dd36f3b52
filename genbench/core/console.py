"""Text on a console whose encoding lacks some characters.

Each missing character is replaced by another, so that writing never fails.
"""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata

__all__ = ["as_shown", "harmless", "write_any_sign"]

# Signs that move a cursor, change colours or turn text around: of C0 and C1 all but tab and line feed, and the
# overrides and isolates of bidirectional text.
HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ERRORS = "genbench.signs"  # the name of the error handler
SIGNS = {
    "×": "x", "·": "*", "±": "+/-", "≤": "<=", "≥": ">=", "≈": "~", "≠": "!=", "∞": "inf", "√": "sqrt", "½": "1/2",
    "¼": "1/4", "‖": "|", "′": "'", "∝": "~",
    "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "→": "->", "←": "<-", "▲": "^", "▼": "v", "•": "*", "✓": "ok",
    "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "°": "deg", "µ": "u",
    "α": "alpha", "β": "beta", "δ": "delta", "Δ": "Delta", "ε": "epsilon", "θ": "theta", "λ": "lambda", "μ": "mu",
    "π": "pi", "Σ": "Sum", "σ": "sigma", "φ": "phi", "χ": "chi", "ω": "omega",
}  # fmt: skip


def write_any_sign() -> None:
    """Make standard output and standard error replace what their encoding lacks.

    Without it, writing such a character raises an error.
    """
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)
        if change is None or not stream.encoding:  # there is none, or it was replaced by another object
            continue
        if codecs.lookup(stream.encoding).name == "ascii":
            # by its own name, typer would take ASCII for a mistake and write UTF-8
            change(encoding="genbench_ascii", errors=ERRORS)
        else:
            change(errors=ERRORS)


def harmless(text: str) -> str:
    """Return a text with � in place of characters that control a terminal."""
    return HARMFUL.sub("�", text)


def as_shown(text: str, encoding: str) -> str:
    """Return a text as a console with an encoding shows it."""
    return harmless(text).encode(encoding, ERRORS).decode(encoding)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for the signs that could not be written, in ASCII, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(sign: str) -> str:
    """Return a sign of ours by its table, a letter without its accent, and ? for any other."""
    if sign in SIGNS:
        return SIGNS[sign]
    if unicodedata.combining(sign):
        return ""
    return unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode() or "?"


def _ascii(name: str) -> codecs.CodecInfo | None:
    """Return ASCII under a name of its own."""
    if name != "genbench_ascii":
        return None
    own = codecs.lookup("ascii")
    parts = (own.encode, own.decode, own.streamreader, own.streamwriter, own.incrementalencoder, own.incrementaldecoder)
    return codecs.CodecInfo(*parts, name=name)


codecs.register_error(ERRORS, _replaced)
codecs.register(_ascii)
