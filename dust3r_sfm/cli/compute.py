"""What --regressor, --device and the rest of what to compute with mean to the library."""

from dust3r_sfm.camera_sharing import CameraSharing
from dust3r_sfm.cli.options import ComputeOptions
from dust3r_sfm.errors import InputError
from dust3r_sfm.pipeline.regressors import STEREO, Choice, RegressorConfig, best_device, best_regressor
from dust3r_sfm.regressors.choices import KeypointChoice, NetworkChoices
from dust3r_sfm.regressors.network import NetworkRegressorConfig
from dust3r_sfm.regressors.network.on_device import check_device
from dust3r_sfm.regressors.stereo import StereoConfig, TwoViewConfig


def choose_regressor(compute: ComputeOptions) -> Choice:
    """The one named, with nothing to say about it; or the best one there is."""
    return best_regressor() if compute.regressor == "auto" else Choice(compute.regressor, "")


def regressor_config(name: str, compute: ComputeOptions, cameras: CameraSharing) -> RegressorConfig:
    """Raises InputError for options that cannot be, or mean nothing to this regressor."""
    if name == STEREO:
        _check_stereo(compute)
    device = best_device(name) if compute.device == "auto" else compute.device
    check_device(device)
    if name == STEREO:
        two_view = TwoViewConfig(seed=compute.seed)
        return StereoConfig(device=device, cameras=cameras, two_view=two_view, keypoints=compute.features)
    if compute.features != KeypointChoice.keypoints:
        asked = f"--features {compute.features}"
        raise InputError(f"{asked}: is for stereo; add --regressor stereo, or leave it out for {name}")
    if compute.batch_size is not None and compute.batch_size < 1:
        raise InputError(f"--batch-size {compute.batch_size}: give 1 or more")
    return NetworkRegressorConfig(
        name, device, dtype=compute.dtype, batch_size=compute.batch_size, compile=compute.compile
    )


def _check_stereo(compute: ComputeOptions) -> None:
    given = {
        "--device mps": compute.device == "mps",
        f"--dtype {compute.dtype}": compute.dtype != NetworkChoices.dtype,
        f"--batch-size {compute.batch_size}": compute.batch_size is not None,
        "--compile": compute.compile,
    }
    for option, is_given in given.items():
        if is_given:
            raise InputError(f"{option}: is for networks, and the regressor is stereo; leave it out")
