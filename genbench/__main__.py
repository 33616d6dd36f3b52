"""Run the command line with `python -m genbench`."""

from genbench.cli.main import start

start()
