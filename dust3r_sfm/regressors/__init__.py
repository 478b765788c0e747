"""What measures pairs: regressors, and what they have in common."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.regressors.choices import Device, Dtype, Keypoints
    from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
    from dust3r_sfm.regressors.protocol import PointmapRegressor
    from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor

__all__ = [
    "Device",
    "Dtype",
    "Keypoints",
    "NetworkRegressor",
    "NetworkRegressorConfig",
    "PointmapRegressor",
    "StereoConfig",
    "StereoRegressor",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Device": "choices",
        "Dtype": "choices",
        "Keypoints": "choices",
        "NetworkRegressor": "network",
        "NetworkRegressorConfig": "network",
        "PointmapRegressor": "protocol",
        "StereoConfig": "stereo",
        "StereoRegressor": "stereo",
    },
)
