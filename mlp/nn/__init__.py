"""The network: pure functions, layers, losses, and layers in a row."""
