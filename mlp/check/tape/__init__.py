"""What forward computes, operation by operation, and the way back through it.

`recording` runs a function with `traced` arrays, which note on a `tape` what is done with them: `operations` has the
derivative of each operation, `functions` says which operations those of numpy are, `sites` where in somebody's code
one stands.
"""
