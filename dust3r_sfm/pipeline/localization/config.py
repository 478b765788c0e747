"""All settings of localization, one dataclass a stage."""

from dataclasses import dataclass, field

from dust3r_sfm.localization import LocalizationConfig, PreparationConfig
from dust3r_sfm.pipeline.regressors import RegressorConfig
from dust3r_sfm.regressors.stereo import StereoConfig


@dataclass(frozen=True)
class LocalizeConfig:
    """How references are prepared and photos are placed."""

    regressor: RegressorConfig = field(default_factory=StereoConfig)
    """What matches photos."""
    preparation: PreparationConfig = field(default_factory=PreparationConfig)
    """How references become something to localize against."""
    localization: LocalizationConfig = field(default_factory=LocalizationConfig)
    """How poses are found, and which are believed."""
