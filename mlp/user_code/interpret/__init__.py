"""How a class or function may be called, and with what: every candidate, and the search for one that works."""
