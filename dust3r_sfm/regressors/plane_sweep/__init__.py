"""Dense two-view stereo with known cameras: a coarse-to-fine plane sweep in torch."""

from dust3r_sfm.regressors.plane_sweep.sweep import DepthEstimate, SweepConfig, sweep_pair

__all__ = ["DepthEstimate", "SweepConfig", "sweep_pair"]
