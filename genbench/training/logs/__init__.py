"""Logs for watching training: TensorBoard, Weights & Biases, MLflow.

They are not part of a trial.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from contextlib import suppress
from netrc import NetrcParseError, netrc
from pathlib import Path
from urllib.parse import urlsplit

from genbench.core.errors import GenbenchError, shown
from genbench.training.logs.log import About, Log

__all__ = ["LOGS", "About", "Log", "check_log", "open_log"]

LOGS = {"tensorboard": "TensorBoardLog", "wandb": "WandbLog", "mlflow": "MlflowLog"}  # by name: the class, in a module
# The packages that each needs. torch brings TensorBoard's writer, and the package of that name the format of its files.
NEEDED = {"tensorboard": ("tensorboard",), "wandb": ("wandb",), "mlflow": ("mlflow", "sqlalchemy", "alembic")}


def check_log(log: str | None, cluster: bool = False) -> None:
    """Check, before anything is run, that a log can be written.

    Args:
        log: the name of the log; None for no log.
        cluster: whether trials run on other machines.

    Raises:
        GenbenchError: the kind of log is unknown, its package is not installed, or it has no place to write to.
    """
    if log is None:
        return
    if log not in LOGS:
        raise GenbenchError(f"log '{shown(log)}' is unknown; choose {', '.join(LOGS)}")
    if any(importlib.util.find_spec(package) is None for package in NEEDED[log]):
        raise GenbenchError(f"--log {log} needs a package that is not installed; pip install 'genbench[{log}]'")
    if log == "mlflow" and cluster and not os.environ.get("MLFLOW_TRACKING_URI"):
        raise GenbenchError(
            "--log mlflow writes to a file, which the machines of a cluster do not share; set MLFLOW_TRACKING_URI to a "
            "server's address"
        )
    if log == "wandb" and not _wandb_knows_where():
        raise GenbenchError("--log wandb is not logged in; type: wandb login, or set WANDB_MODE=offline and sync later")


def open_log(log: str, about: About) -> Log:
    """Return the log of one training run."""
    cls: Callable[[About], Log] = getattr(importlib.import_module(f"{__name__}.{log}"), LOGS[log])
    return cls(about)


def _wandb_knows_where() -> bool:
    """Whether Weights & Biases writes to this disk, or has a key: of the environment, or that `wandb login` kept."""
    if os.environ.get("WANDB_MODE", "online") not in ("online", "shared"):
        return True
    if any(os.environ.get(name) for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    for file in filter(None, (os.environ.get("NETRC"), "~/.netrc", "~/_netrc")):
        with suppress(OSError, NetrcParseError):
            if netrc(Path(file).expanduser()).authenticators(host):
                return True
    return False
