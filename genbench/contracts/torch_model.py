"""The contract of a torch model: write `build`, `training_loss`, `sample`; the engine's trainer does the rest."""

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

    A killed training run resumes from a checkpoint, to the same weights bit for bit, if all that changes in its course
    is a parameter, a buffer, or a plain number in an attribute of the model or a module inside it (a count of steps),
    and if its random numbers are those of torch's, numpy's or Python's global generators. What `build` and `prepare`
    compute is computed again; a tensor in an attribute that is no buffer must not change after that.

    Attributes:
        recipe: how to train it. Its fields are parameters of every torch model: `cfm[lr=1e-3,batch_size=512]`.
        presets: defaults for some kinds and dimensions; all that suit the data are applied, the later over the earlier.
        progress: share of training that is done, in [0, 1], for annealed losses; 1 outside training.
        nfe: network evaluations that the last `sample` spent on one point, where the model says them; else the engine
            counts the calls of its modules.
        conditional: whether it learns p(x | y) of labelled points, as the constructor decides. Then it is called as
            `training_loss(x, labels)`, with labels (b,) int64 in 0 … `classes` − 1, and as `sample(n, labels)`, (n,).
            `log_prob(x)` is given none.
        classes: number of labels, set by the engine before `build` where `conditional` is true.
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
        """Look at the standardised training points x [n, *shape] once before training, if statistics are needed."""

    def training_loss(self, x: Tensor) -> Tensor:
        """Return the scalar loss of a batch x [b, *shape]."""
        raise NotImplementedError

    def optimizer_groups(self) -> Mapping[str, nn.Module]:
        """Return the modules that have an optimiser each, by the name of their loss; by default one for all."""
        return {"loss": self}

    def training_step(self, x: Tensor, update: Update) -> None:
        """Do one step on a batch x [b, *shape]: call `update(group, loss)` for each optimizer group in turn."""
        update("loss", self.training_loss(x))

    def labelled_step(self, x: Tensor, labels: Tensor, update: Update) -> None:
        """Do one step of a conditional model on a batch x [b, *shape] and its labels (b,)."""
        loss: Callable[[Tensor, Tensor], Tensor] = self.training_loss  # type: ignore[assignment]
        update("loss", loss(x, labels))
