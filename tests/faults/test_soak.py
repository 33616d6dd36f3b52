"""A short soak, as `make soak` is a long one."""

import json
import subprocess
import sys

import pytest

from benchmark_scripts import FOLDER

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "what", [("--kills", "4", "--trials", "0"), ("--kills", "0", "--trials", "40")], ids=lambda w: w[1]
)
def test_nothing_is_lost_and_nothing_is_left(tmp_path, what):
    out = tmp_path / "soak.json"
    done = subprocess.run(
        [sys.executable, str(FOLDER / "soak.py"), *what, "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(out.read_text())
