"""All settings of a reconstruction, one dataclass a stage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.exporters.colmap import ColmapExport
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.pipeline.known import KnownCameras
from dust3r_sfm.pipeline.placing import KnownWorld
from dust3r_sfm.pipeline.plan import Cost
from dust3r_sfm.pipeline.regressors import RegressorConfig
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.view_graph import Automatic, GraphConfig

_STEREO_COST: Mapping[str, Cost] = {"cpu": Cost(image_s=1.6, pair_s=1.2)}
"""By device, as measured by benchmarks/. A device that is not here gets no expected time."""

_SAME_RESULT = (
    "regressor.batch_size",
    "regressor.token_cache",
    "inference.encoding_bytes",
    "inference.map_bytes",
    "max_memory_gib",
)
"""Settings that an interrupted run may be resumed without, say because memory was too small for them."""


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
    return _STEREO_COST.get(config.device) if isinstance(config, StereoConfig) else None


def options_as_text(config: ReconstructConfig) -> dict[str, str]:
    """Every setting that the result depends on, by its dotted name: to compare one run's with another's."""
    return {name: value for name, value in _flat("", config) if name not in _SAME_RESULT}


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if is_dataclass(value) and fields(value):
        for part in fields(value):
            yield from _flat(f"{name}.{part.name}".lstrip("."), getattr(value, part.name))
    else:
        yield name, repr(value)
