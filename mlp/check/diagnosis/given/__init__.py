"""What is wrong with gradients that were computed elsewhere, told from their numbers alone."""
