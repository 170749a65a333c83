"""What is wrong with a backward pass, from facts by way of candidates to a sentence.

Facts: `isolated_layer` is one layer on its own, with what its backward said and what would be right; `paths` are the
derivatives of every output by every entry, as backward has them and as they are.

Candidates: `hypotheses` is the shape of a table entry, which predicts a wrong gradient, and how well it explains what
was said. `common`, `linear`, `elementwise`, `losses` and `containers` name single faults by the layer's role; `facts`
and `terms` what is done to a gradient, added to it, or left out of it; `changes`, `substitutions`,
`limits` and `ingredients` what it is made of; `slips` one wrong step on the way back through forward's own operations
(`way_back`); `path_faults` and `observations` what shows in the paths; `places` where; `composed` puts two together.

Sentence: `explaining` tries the tables in their order, and what holds on other inputs too is told by `sentences`.
`diagnose` goes from layer to layer.

`given` does the same for gradients that came without their backward.
"""
