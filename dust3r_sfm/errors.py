"""Errors a user can mend. Each message names the file, the value and the remedy."""


class Dust3rSfmError(Exception):
    """Base of every error this package raises on purpose; `exit_code` is what the CLI ends with."""

    exit_code = 1


class InputError(Dust3rSfmError):
    """The photos, pairs file or options given cannot be used."""

    exit_code = 2


class OutputError(Dust3rSfmError):
    """The output folder exists already, cannot be written, or belongs to another run."""

    exit_code = 3


class ReconstructionError(Dust3rSfmError):
    """The photos were read, but no usable model came out of them."""

    exit_code = 4


class WeakModelError(Dust3rSfmError):
    """A model was written, but part of what it rests on is a guess (the library reports it as a verdict)."""

    exit_code = 5


class UnusablePhotoError(Exception):
    """A file that is no photo we can use; the message is the reason, in one line. Never leaves the
    library: the photo is left out, or named in an InputError."""
