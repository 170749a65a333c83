"""Numerical derivatives: methods as data, and Jacobians and gradients that call nothing but `apply`."""
