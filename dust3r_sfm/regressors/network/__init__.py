"""DUSt3R, MASt3R and networks of our own as regressors: encode an image once, decode every pair."""

from dust3r_sfm.regressors.choices import Device, Dtype
from dust3r_sfm.regressors.network.config import NetworkRegressorConfig
from dust3r_sfm.regressors.network.regressor import NetworkRegressor

__all__ = ["Device", "Dtype", "NetworkRegressor", "NetworkRegressorConfig"]
