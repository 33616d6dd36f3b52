from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from warm_process import WarmProcess

os.environ.setdefault("OMP_NUM_THREADS", "1")
# The hundreds of processes that tests start would compile genbench anew, half a second each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """Ctrl-C is Ctrl-C in the tests, too, where a shell that started them in the background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Classifiers of pictures are kept where the tests end, not in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def good() -> str:
    """A plugin with the dataset `blob` and the model `standard_normal`."""
    return str(PLUGINS / "well_behaved.py")


@pytest.fixture(scope="session")
def bad() -> str:
    """A plugin whose models and dataset break the contract."""
    return str(PLUGINS / "misbehaving.py")


@pytest.fixture(scope="session")
def picture_run(tmp_path_factory):
    """A run on a dataset of pictures and on one of rows, of a model that copies and one that fails."""
    import genbench

    return genbench.run(
        "memoriser,nowhere", "digits,wine", seeds=1, results=tmp_path_factory.mktemp("pictures"), name="p",
        jobs=0, samples=200, metrics="sliced_w2", plugins=[str(PLUGINS / "nowhere.py")], progress=False,
        say=lambda _: None,
    )  # fmt: skip


@pytest.fixture(scope="session")
def warm_process():
    process = WarmProcess()
    yield process
    process.close()


@pytest.fixture
def genbench_cli(tmp_path, warm_process):
    """Run the command line in a process of its own, in an empty folder; returns the finished process.

    Where the encoding of its streams matters, which Python reads as it starts, it is a new interpreter.
    """

    def call(
        *arguments: str,
        cwd: Path | None = None,
        check: int | None = 0,
        env: dict[str, str] | None = None,
        encoding: str | None = None,
    ):
        if encoding is None:
            done = warm_process.call(list(arguments), cwd or tmp_path, dict(os.environ) if env is None else env)
        else:
            command = [sys.executable, "-m", "genbench", *arguments]
            done = subprocess.run(
                command, capture_output=True, encoding=encoding, cwd=cwd or tmp_path, timeout=300, check=False, env=env
            )
        if check is not None:
            assert done.returncode == check, done.stdout + done.stderr
        return done

    return call
