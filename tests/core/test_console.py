"""A console that lacks signs gets others, from every command, and no traceback."""

import pytest

from genbench.core.console import as_shown

NEEDED = "× ± ≤ – ▲ ∞ … √ é ² 猫 \udce9"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", "x +/- <= - ^ inf ... sqrt e 2 ? ?"),
        ("cp1252", "× ± <= – ^ inf … sqrt é ² ? ?"),
        ("utf-8", "× ± ≤ – ▲ ∞ … √ é ² 猫 ?"),
    ],
)
def test_signs_that_an_encoding_lacks_become_others(encoding, shown):
    assert as_shown(NEEDED, encoding) == shown


CONSOLES = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("console", CONSOLES)
def test_commands_and_errors_show_what_they_can(console, genbench_cli, monkeypatch):
    for name, value in CONSOLES[console].items():
        monkeypatch.setenv(name, value)
    encoding = "cp1252" if console == "cp1252" else "ascii"
    listed = genbench_cli("list", "metrics", encoding=encoding).stdout
    assert "<=" in listed
    assert ("½" if encoding == "cp1252" else "1/2") in listed
    wrong = genbench_cli("leaderboard", "λ≤", check=2, encoding=encoding)
    assert wrong.stderr.startswith("genbench: error: ")
    assert "Traceback" not in wrong.stderr
