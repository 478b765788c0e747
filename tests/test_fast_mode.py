"""Sets of many photos are looked at less closely, unless that is not wanted."""

from dataclasses import replace
from pathlib import Path

import pytest
from rendered_room import RenderedRoom

from dust3r_sfm.pipeline import ReconstructConfig
from dust3r_sfm.pipeline.config import options_as_text
from dust3r_sfm.pipeline.job import prepare_job
from dust3r_sfm.pipeline.regressors import choose_effort
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.network import NetworkRegressorConfig
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor, fast_config


def test_the_job_has_the_regressor_for_its_number_of_photos(
    rendered_rooms: tuple[RenderedRoom, RenderedRoom], tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    rendered_rooms[0].write(photos)
    job = prepare_job(photos, replace(ReconstructConfig(), fast_above=3), Silent())
    assert job.config.regressor == StereoConfig()
    assert job.regressor_name == "stereo"
    job = prepare_job(photos, replace(ReconstructConfig(), fast_above=2), Silent())
    assert isinstance(job.regressor, StereoRegressor)
    assert job.regressor.config == job.config.regressor == fast_config(StereoConfig())
    assert job.regressor_name == "stereo (fast mode, see --fast-above)"


def test_a_run_may_be_resumed_with_another_limit_that_leads_to_the_same() -> None:
    config = ReconstructConfig()
    assert options_as_text(replace(config, fast_above=7)) == options_as_text(config)
    assert options_as_text(replace(config, regressor=fast_config(StereoConfig()))) != options_as_text(config)


def test_fast_mode_asks_for_no_more_than_it_was_given() -> None:
    less = fast_config(StereoConfig(neighbours=0))
    assert less.neighbours == 0
    assert less.features.fine_below_px == 0
    assert less.features.max_features == StereoConfig().features.max_features


@pytest.mark.parametrize("photos", [3, 3000])
def test_networks_see_every_photo_alike(photos: int) -> None:
    config = NetworkRegressorConfig("dust3r", "cpu", "fp32")
    assert choose_effort(config, photos, 100) == config
