"""Well-known wrong backward passes, each as real code that can take a right layer's place in a network.

`bug` says what a bug is and plants it; `linear`, `activations` and `losses` hold one class a bug, and `catalogue` lists
them all by name.
"""
