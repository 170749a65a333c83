"""The gallery: all bugs by name, those of linear layers first, then of activations, then of losses."""

from mlp.check.gallery import linear, activations, losses  # noqa: F401, I001  # each enters its bugs, in this order
from mlp.check.gallery.bug import GALLERY

__all__ = ["GALLERY"]
