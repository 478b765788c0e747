"""How much the demo takes, keeps and waits."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class DemoConfig:
    """Limits. Sizes are in bytes."""

    max_file_bytes: int = 1_000_000_000
    """Of one photo or video; more is refused while it comes."""
    max_job_bytes: int = 2_000_000_000
    """Of all that is uploaded for one run."""
    max_photos: int = 500
    """For one run, masks not counted."""
    max_jobs: int = 32
    """That are kept at a time: pages that somebody has open, and results that wait for their owners."""
    keep_s: float = 3600.0
    """Photos and results go when nobody has asked for them for so long."""
    lonely_s: float = 120.0
    """A run that nobody watches any more for so long gives way to the next one."""
    stop_s: float = 1.0
    """From the request to end a process to its end by force."""
    tell_s: float = 0.2
    """Pages are told of progress at most so often."""
    alive_s: float = 10.0
    """A line is sent to pages at least so often, so that lost ones are noticed."""
    picture_px: int = 512
    """Longer side of photos as they are shown."""
    picture_memory_bytes: int = 2_000_000_000
    """To decode one of them in the server itself, of which two are at a time; one that takes more has no
    picture. A JPEG of 150 megapixels fits."""
    max_viewers: int = 2
    """Processes that show results in 3D; the one least used ends for a new one."""
    viewer_start_s: float = 60.0
    """A viewer that has not said by then where it is has failed."""
    max_notes: int = 40
    """Lines that are told of a run, the last ones."""
    max_memory_gib: float | None = None
    """Of a run. None: the machine's."""


@dataclass(frozen=True)
class DemoSettings:
    """What whoever starts the demo chose."""

    regressors: tuple[str, ...]
    """Names that may be chosen on the page, the one that is chosen at first before all others."""
    place: Path
    """Folder below which everything is written."""
    device: str = "auto"
    """As --device."""
    config: DemoConfig = field(default_factory=DemoConfig)
    """Limits."""
