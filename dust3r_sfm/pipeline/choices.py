"""What users tell a run, apart from the stages' configs, which take seconds to import: the help of the
commands is made of it."""

from dataclasses import dataclass, field
from pathlib import Path

from dust3r_sfm.dense.choices import CleaningChoices, UprightChoices
from dust3r_sfm.pipeline.known.config import KnownCameras, KnownWorld


@dataclass(frozen=True, kw_only=True)
class RunChoices(CleaningChoices, UprightChoices):
    """Part of `ReconstructConfig`."""

    masks: Path | None = None
    """Folder of pictures named as the photos: black where a photo must not be used."""
    known: KnownCameras = field(default_factory=KnownCameras)
    """What is known of the cameras beforehand."""
    world: KnownWorld = field(default_factory=KnownWorld)
    """The place and size of the world, where they are known."""
    max_memory_gib: float | None = None
    """Most memory in GiB: a run that would take more is refused, and more is kept on disk where that helps.
    None: the machine's."""
    fast_above: int = 100
    """With more photos than this, regressor stereo takes a third of the time: as good poses, but a third of
    the points in sparse/0. 0: always; a large number: never."""
    seed: int = 0
    """The same photos, options and seed give the same model."""
