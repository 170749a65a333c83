"""Files that go out and come in: archives, problems to take along, uploads."""
