"""What is said of other people's code: remarks, and results as text."""
