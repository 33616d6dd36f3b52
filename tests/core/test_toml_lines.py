"""Where a field of a TOML file stands."""

import pytest

from genbench.core.toml_lines import line_of_field

TEXT = """# a comment

name = "x"  # models = 1
models = [
  "cfm",
  { name = "vae", hidden = 3 },
]

[data.moons]
noise = [
  1,
]

[executor]
jobs = 2
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (["name"], 3), (["models"], 4), (["models", 0], 5), (["models", 1, "hidden"], 6), (["data", "moons"], 9),
        (["data", "moons", "noise"], 10), (["executor", "jobs"], 15), (["gone"], 0), (["models", 7], 0), (["name", "x"], 0),
    ],
)  # fmt: skip
def test_a_field_has_its_line(path, line):
    assert line_of_field(TEXT, path) == line
