"""What commands say, for people as lines and for programs as facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Fact: TypeAlias = "str | int | float | bool | Sequence[Fact] | Mapping[str, Fact] | None"
"""A value of JSON; numbers are finite."""


@dataclass(frozen=True)
class Planned:
    """What a command is going to do, before it does it."""

    lines: tuple[str, ...]
    """For people."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """The same for programs."""


@dataclass(frozen=True)
class Failure:
    """Why a command ends before its time, or with less than was asked for."""

    text: str
    """What is wrong and how to mend it, or how to go on."""
    exit_code: int
    """See docs/command_line.md."""
    stopped: bool = False
    """By somebody who did not want to wait: no mistake."""
    ours: bool = False
    """A mistake of this program, whose traceback follows on stderr: people are told no more."""

    @property
    def line(self) -> str:
        """For people."""
        return self.text if self.stopped else f"error: {self.text}"


@dataclass(frozen=True)
class Step:
    """What may be done next."""

    purpose: str
    """Before a colon, say "to train"."""
    command: str
    """What to type, as a shell reads it, or what to open."""


@dataclass(frozen=True)
class Summary:
    """What came of a command."""

    lines: tuple[str, ...]
    """For people."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """The same for programs."""
    steps: tuple[Step, ...] = ()
    """What may be done next."""
