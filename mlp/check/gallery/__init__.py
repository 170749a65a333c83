"""Well-known wrong backward passes, each as real code that can take a right layer's place in a network.

`bug` says what a bug is and plants it; `linear`, `activations` and `losses` hold the wrong classes, `bugs_of_linear`
and so on their stories, and `catalogue` lists them all by name.
"""
