"""Layers, losses and functions that other people wrote, checked as they are."""
