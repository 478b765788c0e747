"""What a command speaks to, whoever listens: a person at a terminal, a file, a program."""

from typing import Protocol, runtime_checkable

from dust3r_sfm.cli.reporting.messages import Failure, Planned, Summary
from dust3r_sfm.progress import Progress


@runtime_checkable
class Reporter(Protocol):
    """Hears a plan, remarks and warnings, progress, and at last a summary, an error, or both."""

    @property
    def progress(self) -> Progress:
        """What the library tells its stages."""
        ...

    def begin(self) -> None:
        """The command begins, with the loading of libraries."""
        ...

    def announce(self, plan: Planned) -> None:
        """What is going to be done."""
        ...

    def remark(self, text: str) -> None:
        """What is good to know, and no fault of anybody's."""
        ...

    def warn(self, text: str) -> None:
        """What is not as it should be, and does not keep the command from its end."""
        ...

    def conclude(self, summary: Summary) -> None:
        """What came of it."""
        ...

    def fail(self, failure: Failure) -> None:
        """Why the command ends here."""
        ...

    def close(self) -> None:
        """Nothing more is said."""
        ...
