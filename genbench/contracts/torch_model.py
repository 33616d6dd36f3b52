"""The contract of a torch model: write `build`, `training_loss`, `sample`.

The engine's trainer does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from genbench.contracts.model import Model
from genbench.contracts.recipe import Preset, Recipe

__all__ = ["TorchModel", "Update"]

Update = Callable[[str, Tensor], None]


class TorchModel(nn.Module, Model):
    """A model made of torch modules, trained by the engine.

    A subclass stores its hyper-parameters in `__init__` and creates its modules in `build(shape)`. `training_loss`,
    `sample` and `log_prob` receive and return float32 tensors in standardised units, and run without gradients outside
    training (use `torch.enable_grad()` where a density needs them).

    A killed training run resumes from a checkpoint and ends with the same weights bit for bit, under two conditions.
    Training may change only parameters, buffers, and plain numbers in attributes of the model or its modules (a count
    of steps). Random numbers must come from the global generators of torch, numpy or Python. `build` and `prepare` run
    again at a resume; after them, a tensor in an attribute that is not a buffer must not change.

    Attributes:
        recipe: how to train it. Its fields are parameters of every torch model: `cfm[lr=1e-3,batch_size=512]`.
        presets: defaults for some kinds and dimensions. All that suit the data are applied; a later one has priority.
        progress: share of training that is done, in [0, 1], for annealed losses; 1 outside training.
        nfe: network evaluations for one point in the last `sample`, if the model sets it. Otherwise the engine counts
            the calls of its modules.
        conditional: whether it learns p(x | y) from labelled points; the constructor sets it. Then the engine calls
            `training_loss(x, labels)`, with labels (b,) int64 in 0 … `classes` − 1, and `sample(n, labels)`, with
            labels (n,). `log_prob(x)` receives no labels.
        classes: number of labels, set by the engine before `build` if `conditional` is true.
    """

    recipe: ClassVar[Recipe] = Recipe()
    presets: ClassVar[tuple[Preset, ...]] = ()
    progress: float = 1.0
    nfe: int | None = None
    conditional: bool = False
    classes: int = 0

    def __new__(cls, *args: Any, **kwargs: Any) -> TorchModel:
        """Prepare the module before the subclass's constructor, which then need not call `super().__init__()`."""
        self = super().__new__(cls)
        nn.Module.__init__(self)
        return self

    def build(self, shape: tuple[int, ...]) -> None:
        """Create the modules for data of this shape."""
        raise NotImplementedError

    def prepare(self, x: Tensor) -> None:
        """Read the standardised training points x [n, *shape] once before training.

        Define it if the model needs statistics of them.
        """

    def training_loss(self, x: Tensor) -> Tensor:
        """Return the scalar loss of a batch x [b, *shape]."""
        raise NotImplementedError

    def optimizer_groups(self) -> Mapping[str, nn.Module]:
        """Return the modules that have their own optimiser, by the name of their loss.

        By default, one optimiser trains all.
        """
        return {"loss": self}

    def training_step(self, x: Tensor, update: Update) -> None:
        """Do one training step on a batch x [b, *shape].

        Call `update(group, loss)` for each optimizer group in turn.
        """
        update("loss", self.training_loss(x))

    def labelled_step(self, x: Tensor, labels: Tensor, update: Update) -> None:
        """Do one training step of a conditional model on a batch x [b, *shape], labels (b,)."""
        loss: Callable[[Tensor, Tensor], Tensor] = self.training_loss  # type: ignore[assignment]
        update("loss", loss(x, labels))
