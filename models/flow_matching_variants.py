"""Named variants of flow matching, with other paths or couplings than the default.

The default is independent coupling and straight paths.
"""

from __future__ import annotations

from typing import ClassVar

from genbench.contracts.model import register_model
from genbench.contracts.recipe import Preset, Recipe, planar
from genbench.models.flow_matching import CFM, KINDS, ON_LINES, PRESETS, TO_THE_DATA

__all__ = ["FM", "OTCFM", "SBCFM", "VPCFM"]


@register_model(
    "ot_cfm", family="flow matching", likelihood="exact", paper="Tong et al. 2024; Pooladian et al. 2023", kinds=KINDS
)
class OTCFM(CFM):
    """Flow matching with minibatch optimal transport between noise and data.

    The pairs have short paths that seldom cross.
    """

    recipe = Recipe(batch_size=256, lr=6e-3, step_ms=2.4)
    presets: ClassVar[tuple[Preset, ...]] = (
        planar(4.0),
        Preset({"hidden": 128, "lr": 4e-3, "step_ms": 3.3}, dims=(8, None)),
        *PRESETS[1:],
        *ON_LINES,
        *TO_THE_DATA,
    )
    own_coupling = "optimal"


@register_model("fm", family="flow matching", likelihood="exact", paper="Lipman et al. 2023", kinds=KINDS, variant=True)
class FM(CFM):
    """Lipman's flow matching: straight paths that end with noise σ_min around each data point."""

    own_path = "lipman"


@register_model(
    "vp_cfm",
    family="flow matching",
    likelihood="exact",
    paper="Lipman et al. 2023; Song et al. 2021",
    kinds=KINDS,
    variant=True,
)
class VPCFM(CFM):
    """Flow matching on the variance-preserving path of diffusion.

    So a DDPM is a special case of flow matching. Its clock draws noise levels β/α for points as ddpm does: nearly
    log-normal with mean −1.2 and standard deviation 1.2 (Karras et al. 2022, table 1). Velocities on this path are
    unbounded near the data, so that a log-density needs more solver steps than on a straight path.
    """

    recipe = Recipe(batch_size=256, lr=6e-3, step_ms=2.1)
    presets: ClassVar[tuple[Preset, ...]] = (
        planar(6.2, 1024, 0.9),
        *PRESETS,
        Preset({"time_mean": 0.15, "time_std": 0.75, "density_steps": 40}, kinds=("points",)),
    )
    own_path = "variance_preserving"


@register_model(
    "sb_cfm", family="flow matching", likelihood="exact", paper="Tong et al. 2024", kinds=KINDS, variant=True
)
class SBCFM(CFM):
    """Flow matching of a Schrödinger bridge: entropic coupling and Brownian bridges."""

    recipe = Recipe(batch_size=256, lr=6e-3, step_ms=8.0)
    presets: ClassVar[tuple[Preset, ...]] = (
        planar(9.6),
        *PRESETS,
        Preset({"step_ms": 10.0}, kinds=("points", "table", "series"), dims=(8, 16)),  # most of it is the coupling
        Preset({"step_ms": 18.0}, kinds=("points", "table", "series"), dims=(17, None)),
        Preset({"step_ms": 20.0}, kinds=("image",), dims=(1, 256)),
    )
    own_path, own_coupling = "bridge", "entropic"
