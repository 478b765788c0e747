"""How a long stage says how far it is. The library never prints: the CLI draws."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Receives stages one after another; a new stage ends the one before."""

    def start(self, label: str, total: int, unit: str) -> None:
        """A stage of `total` units (say "pairs") begins."""
        ...

    def advance(self, count: int = 1) -> None:
        """`count` more units of the current stage are done."""
        ...


class Silent:
    """Progress that goes nowhere."""

    def start(self, label: str, total: int, unit: str) -> None:
        pass

    def advance(self, count: int = 1) -> None:
        pass
