"""`genbench check`: verdicts, their JSON, exit codes."""

import json

import pytest
from typer.testing import CliRunner

from genbench.cli.main import app
from genbench.core.errors import GenbenchError

MODEL = """
import numpy as np
from genbench import Model, register_model

@register_model("cli_{name}", family="tests", likelihood="exact")
class Checked(Model):
    def fit(self, x):
        self.mean, self.std = x.mean(axis=0), x.std(axis=0)

    def sample(self, n):
        {extra}
        return self.mean + self.std * np.random.standard_normal((n, len(self.mean)))

    def log_prob(self, x):
        z = (x - self.mean) / self.std
        return (-0.5 * z**2 - np.log(self.std) - 0.5 * np.log(2 * np.pi)).sum(axis=1)
"""


def check(*arguments):
    return CliRunner().invoke(app, ["check", *arguments])


def written(folder, name, extra="pass"):
    file = folder / f"{name}.py"
    file.write_text(MODEL.format(name=name, extra=extra))
    return str(file)


def test_a_right_model_passes_and_the_error_rate_is_said(tmp_path):
    done = check(written(tmp_path, "right"), "--fast")
    assert done.exit_code == 0, done.output
    assert "model cli_right" in done.output
    assert "✓ agrees_with_itself" in done.output
    assert "[by chance: once in 1,000,000 runs]" in done.output
    assert "15 passed, 0 failed, 5 do not apply" in done.output
    assert "a right model fails one by chance once in 500,000 runs" in done.output


@pytest.mark.parametrize(("name", "as_json"), [("seeds", ("--json",)), ("also_seeds", ("--format", "json"))])
def test_json_has_a_row_a_check(tmp_path, name, as_json):
    done = check(written(tmp_path, name, "np.random.seed(1)"), "--fast", *as_json)
    assert done.exit_code == 1
    rows = {row["check"]: row for row in json.loads(done.output)}
    assert all(
        {"check", "model", "passed", "expected", "found", "meaning", "line", "error_rate"} <= row.keys()
        for row in rows.values()
    )
    wrong = rows["leaves_seeds_alone"]
    assert (wrong["model"], wrong["passed"], wrong["line"]) == (f"cli_{name}", False, f"{name}.py:11")
    assert "in the same state under two seeds" in wrong["found"]
    assert "leave seeds to the engine" in wrong["meaning"]
    assert rows["follows_units"]["passed"] is True
    assert rows["runs_on_any_device"]["passed"] is None
    assert rows["agrees_with_itself"]["error_rate"] == 1e-6


def test_what_failed_is_explained(tmp_path):
    done = check(
        written(
            tmp_path,
            "own",
            "return self.mean + self.std * np.random.default_rng().standard_normal((n, len(self.mean)))",
        ),
        "--fast",
    )
    assert done.exit_code == 1
    for words in (
        "✗ repeats",
        "expected: the same samples",
        "usually:  random numbers of a generator",
        "see:      own.py:11",
    ):
        assert words in done.output


FLAT = """
import torch
from genbench import TorchModel, register_model

@register_model("flat_loss", family="tests")
class Flat(TorchModel):
    def build(self, shape):
        self.net, self.d = torch.nn.Linear(shape[0], shape[0]), shape[0]

    def training_loss(self, x):
        return (self.net(x) - x).square()

    def sample(self, n):
        return self.net(torch.randn(n, self.d))
"""


def test_a_loss_that_is_no_number_is_one_finding_at_its_line(tmp_path):
    file = tmp_path / "flat_loss.py"
    file.write_text(FLAT)
    done = check(str(file), "--fast")
    assert done.exit_code == 1
    (failed,) = [line for line in done.output.splitlines() if "✗" in line]
    assert "BadLoss: loss is a Tensor of shape [256, 2], and it must be one number" in failed
    assert "see:      flat_loss.py:11" in done.output
    unreached = [line.split()[1] for line in done.output.splitlines() if line.startswith("  ·")]
    assert {"types", "repeats", "learns_from_all", "trains", "agrees_with_itself"} <= set(unreached)
    assert "·" + " types".ljust(26) + "not reached: the exception of shapes" in done.output
    assert f" 1 failed, 2 do not apply, {len(unreached)} not reached, in" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there is nothing to check"),
        (("gmm", "--controls"), "--controls takes no names"),
        (("gmm", "--device", "tpu"), "device 'tpu' is unknown"),
        (("gmm", "--budget", "soon"), "soon"),
        (("nosuch_model",), "no model, dataset, metric or file"),
        (("nowhere.py",), "does not exist"),
    ],
)
def test_bad_input_is_refused(arguments, words):
    with pytest.raises(GenbenchError, match=words):
        raise check(*arguments).exception


def test_bad_input_has_exit_code_2(genbench_cli):
    done = genbench_cli("check", check=2)
    assert done.stderr.startswith("genbench: error: there is nothing to check; write genbench check my_model.py")
