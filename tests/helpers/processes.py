"""What the system says of processes."""

import time


def command(pid: int) -> str:
    """Return the command line of a process."""
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().replace("\0", " ")


def gone(pid: int, seconds: float = 3.0) -> bool:
    """Return whether a process ends within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
