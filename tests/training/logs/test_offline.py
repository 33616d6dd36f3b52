"""Weights & Biases and MLflow without a server: what lies on the disk is what the record holds."""

import importlib.util
import json
import os
import struct

import pytest

import genbench
from genbench.core.errors import GenbenchError
from genbench.training.logs import About, check_log, open_log

QUIET = {"jobs": 0, "progress": False, "say": lambda _: None, "seeds": 1, "samples": 200, "metrics": "sliced_w2"}


def needs(package):
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


@pytest.fixture
def no_account(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)


def logged(content):
    """Yield the records of a file in LevelDB's log format: blocks of 32 kB; parts of CRC (4), length (2), type (1), data."""
    at, whole = 7, b""  # after the file's own head
    while at + 7 <= len(content):
        left = 2**15 - at % 2**15
        if left < 7:  # no head fits any more
            at += left
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        whole += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            yield whole
            whole = b""


def wandb_records(folder):
    """Return config, rows by step and summary of all offline runs that lie there, by display name."""
    from wandb.proto.wandb_internal_pb2 import Record

    found = {}
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        name = ""
        for data in logged(file.read_bytes()):
            record = Record()
            record.ParseFromString(data)
            match record.WhichOneof("record_type"):
                case "run":
                    name = record.run.display_name
                    config, _, _ = found.setdefault(name, ({}, {}, {}))
                    config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
                case "history":
                    row = {(i.key or ".".join(i.nested_key)): json.loads(i.value_json) for i in record.history.item}
                    found[name][1].setdefault(int(row["_step"]), {}).update(row)
                case "summary":
                    key = {(i.key or ".".join(i.nested_key)): json.loads(i.value_json) for i in record.summary.update}
                    found[name][2].update(key)
    return found


def compared(trial, losses, scores):
    """Compare {tag: {step: value}} and {tag: value} with the record."""
    for column, tag in {"loss": "train/loss", "validation": "validation/loss"}.items():
        history = zip(trial.history["step"], trial.history[column], strict=True)
        assert losses[tag] == pytest.approx({step: value for step, value in history if value is not None}, rel=1e-6)
    assert scores["score/sliced_w2"] == pytest.approx(trial.metrics["sliced_w2"], rel=1e-9)


@needs("wandb")
def test_wandb_offline_holds_losses_previews_and_scores(tmp_path, monkeypatch, no_account):
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = genbench.run(
        "vae[hidden=16]", "moons", budget="40", previews=1, log="wandb", name="r", results=tmp_path, **QUIET
    )
    (trial,) = (t for t in run.trials if t.model != "oracle")
    config, rows, summary = wandb_records(run.path)[trial.key]
    assert (config["model"], config["dataset"], config["seed"], config["model.hidden"]) == ("vae", "moons", 0, 16)
    tags = ("train/loss", "validation/loss")
    losses = {tag: {step: row[tag] for step, row in rows.items() if tag in row} for tag in tags}
    compared(trial, losses, summary)
    assert [step for step, row in rows.items() if any(name.startswith("samples") for name in row)] == [40]


@needs("mlflow")
@needs("alembic")
@pytest.mark.slow  # MLflow takes ten seconds to make its database
def test_mlflow_without_a_server_holds_losses_previews_and_scores(tmp_path, no_account):
    from mlflow import MlflowClient

    run = genbench.run(
        "vae[hidden=16]", "moons", budget="40", previews=1, log="mlflow", name="r", results=tmp_path, **QUIET
    )
    (trial,) = (t for t in run.trials if t.model != "oracle")
    client = MlflowClient(f"sqlite:///{run.path / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("r")
    found = {one.info.run_name: one for one in client.search_runs([experiment.experiment_id])}
    one = found[trial.key]
    assert set(found) == {t.key for t in run.trials}
    assert (one.data.params["model"], one.data.params["model.hidden"], one.info.status) == ("vae", "16", "FINISHED")
    tags = ("train/loss", "validation/loss")
    history = {tag: client.get_metric_history(one.info.run_id, tag) for tag in tags}
    compared(trial, {tag: {m.step: m.value for m in history[tag]} for tag in tags}, one.data.metrics)
    assert [part.path for part in client.list_artifacts(one.info.run_id, "samples")] == ["samples/0000040.png"]


def test_a_log_without_an_account_or_a_server_is_refused_before_anything_is_run(monkeypatch, no_account, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    with pytest.raises(GenbenchError, match="wandb login"):
        check_log("wandb")
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    check_log("wandb")
    check_log("mlflow")
    with pytest.raises(GenbenchError, match="MLFLOW_TRACKING_URI"):
        check_log("mlflow", cluster=True)


@needs("mlflow")
def test_a_server_that_does_not_answer_is_said_once_and_stops_nothing(tmp_path, monkeypatch, capsys, no_account):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    log = open_log("mlflow", About("r", "k", tmp_path))
    log.scores({"sliced_w2": 1.0})
    log.scores({"sliced_w2": 2.0})
    assert capsys.readouterr().err.count("nothing more is logged: ") == 1
