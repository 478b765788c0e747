"""Options say what the library's configs say."""

from dataclasses import dataclass

import pytest

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.cli.options import Localize, Reconstruct, parse
from dust3r_sfm.cli.options.library import field_docstring, option
from dust3r_sfm.cli.options.localize import PoseOptions
from dust3r_sfm.dense import CloudFusionConfig
from dust3r_sfm.exporters import ColmapExport
from dust3r_sfm.localization import LocalizationConfig
from dust3r_sfm.pipeline import ReconstructConfig
from dust3r_sfm.regressors import NetworkRegressorConfig, StereoConfig


@dataclass(frozen=True)
class _Base:
    size: int = 3
    """Of it,
    in pixels."""


@dataclass(frozen=True)
class _Config(_Base):
    most: int | None = None
    """How many. None: as many as there are."""
    bare: bool = False


def test_help_and_default_come_from_the_field() -> None:
    inherited, unset = option(_Config, "size", "N", "ply"), option(_Config, "most")
    assert (inherited.help, inherited.help_behavior_hint) == ("ply: of it, in pixels.", "(default: 3)")
    assert (unset.help, unset.help_behavior_hint) == ("How many.", "(default: as many as there are)")


def test_a_field_without_a_docstring_cannot_be_an_option() -> None:
    with pytest.raises(AssertionError, match=r"_Config\.bare has no docstring"):
        field_docstring(_Config, "bare")


def test_options_that_are_left_out_are_the_library_s_defaults() -> None:
    run, localize = parse(["reconstruct", "a", "b"]), parse(["localize", "a"])
    assert isinstance(run, Reconstruct)
    assert isinstance(localize, Localize)
    config, network = ReconstructConfig(), NetworkRegressorConfig("dust3r")
    assert (run.photo.masks, run.photo.fast_above) == (config.masks, config.fast_above)
    assert (run.solving.max_memory, run.compute.seed) == (config.max_memory_gib, config.seed)
    assert run.photo.cameras == AlignmentConfig().cameras == StereoConfig().cameras
    assert run.compute.features == StereoConfig().keypoints
    assert (run.compute.dtype, run.compute.batch_size) == (network.dtype, network.batch_size)
    assert run.output.max_points == ColmapExport().max_points
    found = LocalizationConfig()
    placing = localize.pose
    assert placing == PoseOptions(found.top_k, found.min_inliers, found.max_error)
    assert config.export.max_cloud_points == CloudFusionConfig().max_points
