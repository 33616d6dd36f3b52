"""MLflow: a run for each training run, in an experiment named after the run of genbench.

It is written to the server that MLFLOW_TRACKING_URI names, or else to mlflow/ of the run's folder: a database, which
`mlflow ui --backend-store-uri sqlite:///results/<run>/mlflow/mlflow.db` shows, and the images.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genbench.training.logs.log import About, Log

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

__all__ = ["MlflowLog"]

WAIT = 60.0  # by hand: seconds for another trial to make the database, which takes some five
BATCH = 10.0  # by hand: seconds between two writes of numbers
LONGEST = 500  # letters of a parameter that MLflow keeps at the least


class MlflowLog(Log):
    """A run of MLflow. A training run that resumes continues it."""

    def __init__(self, about: About) -> None:
        import mlflow  # noqa: F401  # takes seconds, which are not the training's

        super().__init__(about)
        self._client: MlflowClient | None = None
        self._id = ""
        self._waiting: list[Metric] = []
        self._written = time.monotonic()

    def _numbers(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step) for name, value in values.items()]
        if time.monotonic() - self._written > BATCH:
            self._write()

    def _image(self, file: Path, step: int) -> None:
        self._run().log_artifact(self._id, str(file), "samples")

    def _scores(self, scores: Mapping[str, float]) -> None:
        self._numbers(scores, 0)

    def _close(self) -> None:
        if self._waiting or self._client:
            self._write()
            self._run().set_terminated(self._id)
        self._client = None

    def _write(self) -> None:
        self._run().log_batch(self._id, self._waiting)
        self._waiting, self._written = [], time.monotonic()

    def _run(self) -> MlflowClient:
        """Return the client, and find or make the run."""
        if self._client is None:
            from filelock import FileLock
            from mlflow import MlflowClient

            home = self.about.folder / "mlflow"
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / ".lock", timeout=WAIT):  # trials begin side by side
                uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
                client = MlflowClient(uri)
                local = None if os.environ.get("MLFLOW_TRACKING_URI") else (home / "artifacts").as_uri()
                known = client.get_experiment_by_name(self.about.run)
                experiment = known.experiment_id if known else client.create_experiment(self.about.run, local)
            self._id = self._found(client, experiment) or self._made(client, experiment)
            self._client = client
        return self._client

    def _found(self, client: MlflowClient, experiment: str) -> str:
        """Return the run that an earlier process began, or that was closed before the scores."""
        if self._id:
            return self._id
        runs = client.search_runs([experiment], f"attributes.run_name = '{self.about.name}'", max_results=1)
        return str(runs[0].info.run_id) if runs else ""

    def _made(self, client: MlflowClient, experiment: str) -> str:
        made = client.create_run(experiment, run_name=self.about.name)
        for name, value in self.about.facts.items():
            client.log_param(made.info.run_id, name, str(value)[:LONGEST])
        return str(made.info.run_id)
