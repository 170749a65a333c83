"""The type of things of which nothing is known, because other people wrote them."""

from typing import Any

Theirs = Any
