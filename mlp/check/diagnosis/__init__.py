"""What is wrong with a backward pass: each layer checked on its own, and its gradient held against a table of faults.

`case` is one layer on its own, `hypotheses` the shape of a table entry and how well it explains, `common`, `linear`,
`elementwise` and `losses` the tables, `explaining` what finds the entry that explains a gradient, `algebra` the lines
that would be right, `diagnose` what brings them together.

`given` does the same for gradients that came without their backward: `arrivals` says what dy they come from, `another`
whether they are right for another function.
"""
