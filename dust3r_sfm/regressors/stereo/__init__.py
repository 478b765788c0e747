"""The embedded regressor: two-view geometry on SIFT and dense plane-sweep stereo, without weights."""

from dust3r_sfm.regressors.stereo.regressor import StereoConfig, StereoRegressor

__all__ = ["StereoConfig", "StereoRegressor"]
