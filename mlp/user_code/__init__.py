"""Layers, losses, models and notebooks that other people wrote, checked as they are: no base class, no renaming.

`process` runs a module in a process of its own, `worker`, within a limit of processor time (`clock`). There `load`
imports it and lists what there is to check; `interpret` makes candidates of it, plain values that say how the code may
be called, tries them, and ranks what came of it; `run` calls their code, a `Subject`, finds its arrays and gradients,
and makes a layer of ours of it, so that the check is the usual one; `tell` says what was seen. `settings` is all that a
person can say in GRADCHECK, `vocabulary` every spelling that is understood, `api` the same from Python.
"""
