"""All settings of a reconstruction, one dataclass a stage."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.dense import CloudFusionConfig, DepthFusionConfig
from dust3r_sfm.exporters.config import ColmapExport, ReportPageConfig
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.pipeline.choices import RunChoices
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
    "fast_above",
)
"""Settings that an interrupted run may be resumed without, say because memory was too small for them. (What
`fast_above` led to is in the regressor's own.)"""


@dataclass(frozen=True)
class ExportConfig:
    """What goes into the output folder."""

    colmap: ColmapExport = field(default_factory=ColmapExport)
    """The COLMAP model."""
    max_cloud_points: int | None = CloudFusionConfig.max_points
    """Most points of points.ply and scene.glb. None: all."""
    report_page: ReportPageConfig | None = field(default_factory=ReportPageConfig)
    """What report.html holds. None: it is not written."""


@dataclass(frozen=True)
class ReconstructConfig(RunChoices):
    """All settings of a reconstruction: what users tell a run, and a config for each stage."""

    regressor: RegressorConfig = field(default_factory=StereoConfig)
    """What measures pairs."""
    graph: GraphConfig = field(default_factory=Automatic)
    """Which photos are compared."""
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    """How much is kept of each pair."""
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)
    """How pairs become scenes."""
    depth: DepthFusionConfig = field(default_factory=DepthFusionConfig)
    """How the depth maps that pairs have of a view become one."""
    export: ExportConfig = field(default_factory=ExportConfig)
    """What goes into the output folder."""
    gradient: GradientConfig | None = None
    """Align by the published descent, to compare. None: solve."""


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
