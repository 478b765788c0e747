"""The embedded regressor: two-view geometry on SIFT and dense plane-sweep stereo, without weights."""

from dust3r_sfm.regressors.stereo.config import StereoConfig, fast_config
from dust3r_sfm.regressors.stereo.regressor import StereoRegressor
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig

__all__ = ["StereoConfig", "StereoRegressor", "TwoViewConfig", "fast_config"]
