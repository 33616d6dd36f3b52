"""The device audit: known faults are found by kind, method and line; the models that come with genbench have none."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from genbench import TorchModel, register_model
from genbench.core.parameters import defaults
from genbench.core.registry import REGISTRY, discover
from genbench.testing.device_audit import CASES, audit, runs_on_any_device
from genbench.testing.model_contract import CONTRACT

PLANE = CASES[:1]
TABLE = torch.linspace(-1, 1, 2)  # of this file, and so on the CPU


class _Affine(TorchModel):
    """Normal noise, scaled and shifted: nothing is wrong with it."""

    def build(self, shape):
        self.d = shape[0]
        self.shift, self.log_scale = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def training_loss(self, x):
        return -self.log_prob(x).mean()

    def log_prob(self, x):
        white = (x - self.shift) * (-self.log_scale).exp()
        return (-0.5 * white.square() - self.log_scale).sum(dim=1)

    def sample(self, n):
        return self.shift + self.log_scale.exp() * torch.randn(n, self.d)


def model(name, **fields):
    return register_model(name, family="device", likelihood="exact", kinds=("points",), **fields)


@model("audit_clean")
class Clean(_Affine):
    """Moves tensors to where they are needed, by every way there is, and reads numbers."""

    def prepare(self, x):
        self.register_buffer("weights", torch.as_tensor(np.ones(self.d), dtype=torch.float32))
        self.order = np.argsort(x.std(dim=0).cpu().numpy())

    def training_loss(self, x):
        if x.isfinite().all() and float(x.mean()) < 1e6:
            x = x * torch.from_numpy(np.ones(self.d)).float().to(x.device)
        inside = x[(x > -9).all(dim=1)]  # as many rows as the values say
        return super().training_loss(torch.cat([inside, inside.new_tensor([[0.0] * self.d])]) * self.weights)

    def sample(self, n):
        noise = torch.randn(n, self.d, generator=torch.Generator(device=self.shift.device).manual_seed(n))
        noise[[0, -1]] = torch.ones(())
        return (self.shift + self.log_scale.exp() * noise)[:, list(self.order)]


@model("audit_mixed")
class Mixed(_Affine):
    def training_loss(self, x):
        half = torch.full((self.d,), 0.5, device="cpu")
        return super().training_loss(x * half)  # here


@model("audit_global")
class Global(_Affine):
    def log_prob(self, x):
        return super().log_prob(torch.cat([x[:1] * 0, TABLE[None], x])[2:])  # here


@model("audit_numpy")
class Numpy(_Affine):
    def training_loss(self, x):
        mean = x.mean(dim=0).numpy()  # here
        return super().training_loss(x) + 0 * float(mean.sum())


@model("audit_array")
class Array(_Affine):
    def diagnose(self, x):
        return {"largest": np.abs(np.asarray(x)).max()}  # here


@model("audit_float64")
class Float64(_Affine):
    def log_prob(self, x):
        wide = x.double()  # here
        return super().log_prob(wide.mul(2).div(2).float())


@model("audit_generator")
class Generator(_Affine):
    def sample(self, n):
        source = torch.Generator().manual_seed(0)
        return self.shift + torch.randn(n, self.d, generator=source)  # here


@model("audit_attribute")
class Attribute(_Affine):
    def build(self, shape):
        super().build(shape)
        self.ends = torch.from_numpy(np.ones(shape, dtype=np.float32))

    def sample(self, n):
        return super().sample(n) * self.ends  # here


@model("audit_buffer")
class Buffer(_Affine):
    def build(self, shape):
        super().build(shape)
        self.register_buffer("unused", torch.from_numpy(np.ones(shape)))  # here


@model("audit_branch")
class Branch(_Affine):
    def sample(self, n):
        if self.shift.device.type != "cpu":
            raise RuntimeError("kernel not found")  # here
        return super().sample(n)


@model("audit_inside")
class Inside(_Affine):
    """The fault is in a module inside the model, and in a library that it calls."""

    def build(self, shape):
        super().build(shape)
        self.inner = _Inner()

    def training_loss(self, x):
        return super().training_loss(self.inner(x))


class _Inner(nn.Module):
    def forward(self, x):
        return nn.functional.linear(x, torch.eye(x.shape[1], device="cpu"))  # here


FAULTS = {  # the kind of finding, the method in which it is, and words that say what it is
    Mixed: ("mixed devices", "training_loss", "half (2,) is on the CPU"),
    Global: ("mixed devices", "training_loss", "TABLE (1, 2) is on the CPU"),
    Numpy: ("numpy", "training_loss", ".numpy() reads"),
    Array: ("numpy", "diagnose", "NumPy reads"),
    Float64: ("float64", "training_loss", "float64"),
    Generator: ("generator", "sample", "a generator of the CPU"),
    Attribute: ("mixed devices", "sample", "self.ends (2,) is on the CPU"),
    Buffer: ("left on the CPU", "build", "self.unused (2,)"),
    Branch: ("fails", "sample", "kernel not found"),
    Inside: ("mixed devices", "training_loss", "mm has tensors of the device and of the CPU"),
}


def line_of(cls):
    """The line of the test file that is marked in a class."""
    lines, first = inspect.getsourcelines(cls)
    return first + next(i for i, line in enumerate(lines) if line.rstrip().endswith("# here"))


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_a_fault_is_found_by_its_line(cls):
    kind, method, words = FAULTS[cls]
    (fault,) = (found for found in audit(cls.card, {}, PLANE) if found.fails)
    assert (fault.kind, fault.method, fault.model, fault.case) == (kind, method, cls.card.name, "the plane")
    assert (fault.file, fault.line) == (__file__, line_of(_Inner if cls is Inside else cls))
    assert words in fault.what
    line = str(fault)
    assert f"{cls.card.name}.{method} at test_device_audit.py:{fault.line}: {kind}: " in line
    assert fault.remedy in line
    assert "\n" not in line


def test_what_runs_on_every_device_has_no_fault():
    found = audit(Clean.card, {}, PLANE)
    assert not [str(finding) for finding in found if finding.fails]
    moved = {finding.line for finding in found if finding.kind == "moves data"}
    lines, first = inspect.getsourcelines(Clean)
    due = [first + i for i, line in enumerate(lines) if "float(x.mean())" in line or ".cpu().numpy()" in line]
    assert len(due) == 2
    assert set(due) <= moved


def test_a_tensor_that_is_no_buffer_is_noted():
    (note,) = (finding for finding in audit(Attribute.card, {}, PLANE) if finding.kind == "not registered")
    assert not note.fails
    assert note.line == line_of(Attribute) - 3
    assert "self.ends" in note.what


def test_all_faults_are_found_at_once():
    @model("audit_many")
    class Many(_Affine):
        def training_loss(self, x):
            half, two = torch.full((self.d,), 0.5, device="cpu"), torch.full((self.d,), 2.0, device="cpu")
            scale = self.log_scale * half.requires_grad_() * two
            return super().training_loss(x * scale.exp()) + 0 * float(np.mean(x.numpy())) + x.double().sum()

    found = [finding for finding in audit(Many.card, {}, PLANE) if finding.fails]
    assert [(finding.kind, finding.method) for finding in found] == [
        ("mixed devices", "training_loss"),
        ("mixed devices", "training_loss"),
        ("numpy", "training_loss"),
        ("float64", "training_loss"),
    ]
    assert "half (2,)" in found[0].what
    assert "two (2,)" in found[1].what


def test_what_fails_on_the_cpu_too_is_no_finding():
    @model("audit_broken")
    class Broken(_Affine):
        def sample(self, n):
            raise RuntimeError("never works")

    assert audit(Broken.card, {}, PLANE) == []


def test_the_contract_has_the_audit():
    assert runs_on_any_device in CONTRACT
    with pytest.raises(AssertionError, match=r"audit_mixed.training_loss at test_device_audit.py:\d+: mixed devices"):
        runs_on_any_device(Mixed.card, {})
    runs_on_any_device(Clean.card, {})


def test_models_without_torch_are_left_alone():
    discover()
    assert audit(REGISTRY["models"]["gmm"]) == []


def test_the_audit_leaves_torch_as_it_was():
    before = torch.get_rng_state(), torch.Generator, torch.get_default_device()
    audit(Clean.card, {}, PLANE)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.Generator, torch.get_default_device()) == before[1:]
    assert torch.zeros(2, device="meta").is_meta


# Small networks and few steps, by the names that the models have for them.
SMALL = {
    "bins": 3, "components": 2, "couplings": 2, "density_steps": 2, "depth": 1, "heads": 2, "hidden": 8,
    "importance_samples": 2, "probes": 1, "steps": 2, "timesteps": 8, "training_samples": 2, "width": 8,
}  # fmt: skip
BUILT_IN = [
    name
    for name, card in sorted((discover(), REGISTRY["models"].cards)[1].items())
    if card.is_torch and card.file.parent.name == "models"
]
QUICK = [case for case in CASES if case.name in ("16 dimensions", "images 1×8×8", "the plane, with labels")]


def faults(name, cases, **params):
    card = REGISTRY["models"][name]
    small = {key: value for key, value in SMALL.items() if key in defaults(card)} | params
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [str(finding) for finding in audit(card, small, cases) if finding.fails]


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_models_run_on_every_device(name):
    """Variants on one kind of data, as they share most of their code with others; on all of it below."""
    card = REGISTRY["models"][name]
    assert not faults(name, QUICK if not card.variant else QUICK[2:] if "conditional" in card.signature else QUICK[:1])


def test_a_unet_runs_on_every_device():
    assert not faults("cfm", [case for case in CASES if case.shape == (1, 18, 18)])


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("cfm", {"source": "moons"}), ("cfm", {"solver": "dopri5"}), ("ot_cfm", {"ot_batch": 8}),
        ("ddpm", {"sampler": "ddim", "schedule": "linear"}), ("ar", {"order": "random"}),
    ],
)  # fmt: skip
def test_variants_run_on_every_device(name, params):
    assert not faults(name, PLANE, **params)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_models_run_on_every_device_on_all_data(name):
    assert not faults(name, CASES)
    assert not faults(name, PLANE, optimiser="soap")
    assert not faults(name, PLANE, optimiser="muon")
