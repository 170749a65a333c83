"""Files that go out and come in: archives, problems to take along, uploads."""


class UploadError(ValueError):
    """A file that cannot be used; the message is a sentence that says why."""
