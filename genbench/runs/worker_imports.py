"""The imports of the server from which workers are forked: all libraries of trials.

The server ignores signals, which are for the process that started it. It ends with that process, together with all
processes that its workers started.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import os
import pickle
import signal
import sys
import warnings

from genbench.core.hardware import ONE_THREAD

os.environ |= ONE_THREAD  # before anything imports NumPy, which reads it then

from genbench.core.process_tree import LINUX, adopt_orphans, die_with_parent, kill_offspring

SERVER = os.getpid()

# Settings of malloc in glibc, see mallopt(3): M_MMAP_THRESHOLD (the largest that it takes), M_TRIM_THRESHOLD and
# M_TOP_PAD. Otherwise each array of more than 128 kB is taken from the system and given back, which clears it page by
# page: 18,000 pages and a tenth of the time of a short trial.
MALLOPT = {-3: 32 * 2**20, -1: 256 * 2**20, -2: 16 * 2**20}


def _keep_memory() -> None:
    """Let this process and its workers keep what they free, for the next array."""
    with contextlib.suppress(AttributeError, OSError):  # another C library
        for setting, value in MALLOPT.items() if LINUX else ():
            ctypes.CDLL(None).mallopt(setting, value)


def _end() -> None:
    if os.getpid() == SERVER:
        kill_offspring(SERVER, lambda: None)
        os._exit(0)  # to tidy up all the libraries takes a second


def _silent(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """Say nothing of a worker that starts while the run ends: it reads of its work from a pipe that is closed."""
    if not isinstance(error, EOFError | OSError | pickle.UnpicklingError):
        sys.__excepthook__(kind, error, trace)  # type: ignore[arg-type]


for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(each, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
with contextlib.suppress(OSError):
    os.setsid()  # what is sent to all of a terminal's processes must not end it before its workers
die_with_parent()  # while it imports, it does not see that it should end
adopt_orphans()
sys.excepthook = _silent
warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # an orphan's

from genbench.contracts.dataset import Dataset, SyntheticDataset  # noqa: E402
from genbench.contracts.model import Model  # noqa: E402
from genbench.core.code_fingerprint import Definition, installed  # noqa: E402
from genbench.core.environment import versions  # noqa: E402
from genbench.core.library_patches import taken_back  # noqa: E402
from genbench.core.process_state import ProcessState  # noqa: E402
from genbench.core.registry import discover, installed_plugins  # noqa: E402

discover(installed=False)  # plugins of other packages are imported by the trials that need them
# torch._dynamo: the first optimizer imports it, which takes a second.
LIBRARIES = (
    "genbench.runs.trial",
    "genbench.runs.worker",
    "genbench.tasks.generate",
    "ot",
    "pytorch_optimizer",
    "sklearn.datasets",
    "sklearn.mixture",
    "sklearn.neighbors",
    "torch._dynamo",
    "torchdiffeq",
)
for library in LIBRARIES:
    with contextlib.suppress(Exception):
        importlib.import_module(library)
# Each asks once, and keeps the answer: a tenth of a second of every trial.
versions(), ProcessState(), installed_plugins()
bases = [Definition.of(part) for part in (Dataset, Model, SyntheticDataset)]
installed().digest(installed().reached(*bases))  # parses what the digest of a user's plugin includes
with taken_back():  # as this does
    pass
gc.collect()
gc.freeze()  # workers share the million objects of the libraries: to look for garbage among them takes 0.2 s each time
atexit.register(_end)  # after what libraries register, so that it comes before that
_keep_memory()
die_with_parent(False)  # the thread that started it may end before the run does
