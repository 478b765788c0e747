"""The one error of files that are no photos."""


class UnusablePhotoError(Exception):
    """A file that is no photo we can use; the message is the reason, in one line."""
