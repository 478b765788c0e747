"""Sets of many photos are looked at less closely, unless that is not wanted."""

from dataclasses import replace
from pathlib import Path

import pytest
from rendered_room import RenderedRoom

from dust3r_sfm.pipeline import ReconstructConfig
from dust3r_sfm.pipeline.config import options_as_text
from dust3r_sfm.pipeline.job import prepared
from dust3r_sfm.pipeline.regressors import suited_to
from dust3r_sfm.regressors.network import NetworkRegressorConfig
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor, sparing


def test_the_job_has_the_regressor_for_its_number_of_photos(
    rendered_rooms: tuple[RenderedRoom, RenderedRoom], tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    rendered_rooms[0].write(photos)
    job = prepared(photos, replace(ReconstructConfig(), sparing_above=3))
    assert job.config.regressor == StereoConfig()
    assert job.regressor_name == "stereo"
    job = prepared(photos, replace(ReconstructConfig(), sparing_above=2))
    assert isinstance(job.regressor, StereoRegressor)
    assert job.regressor.config == job.config.regressor == sparing(StereoConfig())
    assert job.regressor_name == "stereo (sparing, see --sparing-above)"


def test_a_run_may_be_resumed_with_another_limit_that_leads_to_the_same() -> None:
    config = ReconstructConfig()
    assert options_as_text(replace(config, sparing_above=7)) == options_as_text(config)
    assert options_as_text(replace(config, regressor=sparing(StereoConfig()))) != options_as_text(config)


def test_sparing_asks_for_no_more_than_it_was_given() -> None:
    less = sparing(StereoConfig(neighbours=0))
    assert less.neighbours == 0
    assert less.features.fine_below_px == 0
    assert less.features.max_features == StereoConfig().features.max_features


@pytest.mark.parametrize("photos", [3, 3000])
def test_networks_see_every_photo_alike(photos: int) -> None:
    config = NetworkRegressorConfig("dust3r", "cpu", "fp32")
    assert suited_to(config, photos, 100) == config
