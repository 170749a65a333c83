"""What is wrong with a backward pass: each layer checked on its own, and its gradient held against a table of faults.

`case` is one layer on its own, `hypotheses` the shape of a table entry and how well it explains, `common`, `linear`,
`elementwise` and `losses` the tables, `algebra` the lines that would be right, `diagnose` what brings them together.
"""
