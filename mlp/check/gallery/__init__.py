"""Well-known wrong backward passes, each as real code that can take a right layer's place in a network.

`bug` says what a bug is and plants it; `linear`, `activations` and `losses` hold one class a bug, and enter it into
`GALLERY`: those of linear layers first, then of activations, then of losses.
"""

from mlp.check.gallery import linear, activations, losses  # noqa: F401, I001  # in the order of the gallery
from mlp.check.gallery.bug import GALLERY
from mlp.nn.layers import Activation, Linear
from mlp.nn.losses import Loss

_KINDS = {"linear layers": Linear, "activations": Activation, "losses": Loss}


def groups() -> dict[str, list[str]]:
    """The names of the bugs by what they are planted in, in the order of the gallery; first of all everything."""
    of_each = {
        group: [bug.name for bug in GALLERY.values() if issubclass(bug.replaces[0], kind)]
        for group, kind in _KINDS.items()
    }
    return {"everything": list(GALLERY), **of_each}


__all__ = ["GALLERY", "groups"]
