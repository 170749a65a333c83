"""Layers, losses and functions that other people wrote, checked as they are: no base class, no renaming.

From the outside in: `isolate` runs a module in a process of its own; `discovery` finds what there is to check;
`reading` tries the ways to read it (`readings`, with `construct`, `values`, `targets`), each graded by `trial`;
`pairing` says which array is which gradient; `subjects` and `functions` run their code; and `adapter` makes a layer of
ours of it, so that the check, behind `seam`, is the usual one.
"""
