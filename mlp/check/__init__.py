"""Analytical gradients against numerical ones."""
