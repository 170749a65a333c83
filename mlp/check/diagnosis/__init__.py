"""What is wrong with a backward pass: each layer checked on its own, and its gradient held against a table of faults.

`isolated_layer` is one layer on its own, `hypotheses` the shape of a table entry and how well it explains; `common`,
`linear`, `elementwise` and `losses` name single faults by the layer's role. What nobody listed is looked for on the way
back through forward's own operations, with one wrong step after another (`way_back`, `slips`), and described in the
terms of which backward passes are built: `changes` are done to arrays, `ingredients` are what gradients are made of,
`substitutions` brings these two together; `paths` are the derivatives of every output by every entry, as backward has
them and as they are, and `groups`, `path_models`, `path_faults` and `linked` say how the one differs from the other;
`composed` puts two faults together, `observations` says what holds where nothing explains. `explaining` tries all of
them, `algebra` gives the line that would be right, `diagnose` brings it all together.

`given` does the same for gradients that came without their backward: `arrivals` says what dy they come from, `another`
whether they are right for another function.
"""
