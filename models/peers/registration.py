"""Registration of peers: models of other libraries, trained by their published recipes."""

from functools import partial

from genbench.contracts.model import register_model
from genbench.core.libraries import Library

__all__ = ["DIFFUSERS", "NORMFLOWS", "SCIKIT_LEARN", "TORCHCFM", "ZUKO", "register_peer"]

register_peer = partial(register_model, family="peers", kinds=("points", "table"))

EXTRA = 'pip install "genbench[peers]"'
DIFFUSERS = Library("diffusers", EXTRA)
NORMFLOWS = Library("normflows", EXTRA)
SCIKIT_LEARN = Library("scikit-learn", EXTRA, module="sklearn")
# Its own requirements, pytorch-lightning, torchvision and Jupyter among them, are those of its notebooks.
TORCHCFM = Library("torchcfm", "pip install --no-deps torchcfm")
ZUKO = Library("zuko", EXTRA)
