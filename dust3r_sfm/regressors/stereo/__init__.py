"""The embedded regressor: two-view geometry on SIFT and dense plane-sweep stereo, without weights."""

from dust3r_sfm.regressors.stereo.regressor import StereoConfig, StereoRegressor, sparing
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig

__all__ = ["StereoConfig", "StereoRegressor", "TwoViewConfig", "sparing"]
