"""How long the command line takes to answer, beside the bare interpreter in the same run.

Run it as `python benchmarks/start_up.py`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "genbench --help": ["-m", "genbench", "--help"],
    "genbench run --help": ["-m", "genbench", "run", "--help"],
    "genbench list models": ["-m", "genbench", "list", "models"],
}


def seconds(arguments: list[str]) -> float:
    """Return the wall seconds of one call."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Call each command in turn, so that a busy moment hits all alike, and print medians."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(REPEATS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = statistics.median(times["python -c pass"])
    print(f"{'command':24} {'median s':>9} {'min s':>9} {'× python':>9}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:24} {median:9.3f} {min(values):9.3f} {median / bare:9.1f}")


if __name__ == "__main__":
    main()
