"""What is asked for is set, and the rest is pycolmap's own."""

import pycolmap

from dust3r_sfm.geometry.colmap.options import (
    absolute_pose_options,
    bundle_options,
    ransac_options,
    two_view_ransac_options,
)


def test_ransac() -> None:
    relative, two_view = ransac_options(3.0, 7, 50), two_view_ransac_options(3.0, 7)
    assert (relative.max_error, relative.random_seed, relative.min_num_trials) == (3.0, 7, 50)
    assert relative.min_inlier_ratio == pycolmap.RANSACOptions().min_inlier_ratio
    assert (two_view.max_error, two_view.random_seed) == (3.0, 7)
    assert two_view.min_inlier_ratio == pycolmap.TwoViewGeometryOptions().ransac.min_inlier_ratio


def test_absolute_pose() -> None:
    usual = pycolmap.AbsolutePoseEstimationOptions().ransac
    options = absolute_pose_options(3.0, 7, 500)
    assert not options.estimate_focal_length
    ransac = options.ransac
    assert (ransac.max_error, ransac.random_seed, ransac.max_num_trials) == (3.0, 7, 500)
    assert ransac.min_num_trials == usual.min_num_trials
    assert ransac.min_inlier_ratio == usual.min_inlier_ratio
    other = absolute_pose_options(3.0, 7, 500, min_trials=30, min_inlier_ratio=0.2, solve_focal=True)
    assert other.estimate_focal_length
    assert (other.ransac.min_num_trials, other.ransac.min_inlier_ratio) == (30, 0.2)


def test_bundle() -> None:
    ceres = bundle_options(2.5, 40).ceres
    assert ceres.loss_function_type == pycolmap.LossFunctionType.CAUCHY
    assert ceres.loss_function_scale == 2.5
    assert ceres.solver_options.max_num_iterations == 40
    assert ceres.solver_options.num_threads == 1
