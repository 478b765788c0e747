"""All settings of a reconstruction, one dataclass a stage."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.dense import DepthFusionConfig
from dust3r_sfm.exporters.colmap import ColmapExport
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.pipeline.known.config import KnownCameras, KnownWorld
from dust3r_sfm.pipeline.plan import Cost
from dust3r_sfm.pipeline.regressors import RegressorConfig
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.view_graph import Automatic, GraphConfig

_STEREO_IMAGE_S, _STEREO_SWEEPS_S, _STEREO_PAIR_S = 0.3, 0.8, 0.1
"""On two CPU cores, of each image, of each of its sweeps, and of each pair: within a factor of 1.5 for 11
large photos (62 s), 40 small ones all compared (165 s) and 233 (313 s)."""

_SAME_RESULT = (
    "regressor.batch_size",
    "regressor.token_cache",
    "inference.encoding_bytes",
    "inference.map_bytes",
    "max_memory_gib",
    "sparing_above",
)
"""Settings that an interrupted run may be resumed without, say because memory was too small for them. (What
`sparing_above` led to is in the regressor's own.)"""


@dataclass(frozen=True)
class ExportConfig:
    """What goes into the output folder: the COLMAP model, and how many points the dense cloud has."""

    colmap: ColmapExport = field(default_factory=ColmapExport)
    max_cloud_points: int = 1_000_000


@dataclass(frozen=True)
class ReconstructConfig:
    """`masks` is a folder of pictures named as the photos, dark where a photo must not be used. `gradient`:
    align by the published descent, to compare. `max_memory_gib`: None for what the machine has. Of more
    photos than `sparing_above` the embedded regressor looks less closely at each (`stereo.sparing`)."""

    regressor: RegressorConfig = field(default_factory=StereoConfig)
    graph: GraphConfig = field(default_factory=Automatic)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)
    depth: DepthFusionConfig = field(default_factory=DepthFusionConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    masks: Path | None = None
    known: KnownCameras = field(default_factory=KnownCameras)
    world: KnownWorld = field(default_factory=KnownWorld)
    gradient: GradientConfig | None = None
    max_memory_gib: float | None = None
    sparing_above: int = 100
    seed: int = 0


def expected_cost(config: RegressorConfig) -> Cost | None:
    """None where it was not measured."""
    if not isinstance(config, StereoConfig) or config.device != "cpu":
        return None
    return Cost(_STEREO_IMAGE_S + _STEREO_SWEEPS_S * config.neighbours, _STEREO_PAIR_S)


def options_as_text(config: ReconstructConfig) -> dict[str, str]:
    """Every setting that the result depends on, by its dotted name: to compare one run's with another's."""
    return {name: value for name, value in _flat("", config) if name not in _SAME_RESULT}


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if is_dataclass(value) and fields(value):
        for part in fields(value):
            yield from _flat(f"{name}.{part.name}".lstrip("."), getattr(value, part.name))
    else:
        yield name, repr(value)
