"""Options of pycolmap's RANSAC and bundle adjustment. What is not given is as pycolmap has it."""

import pycolmap


def ransac_options(max_error_px: float, seed: int, min_trials: int) -> pycolmap.RANSACOptions:
    """Of a relative pose. `max_error_px`: of an inlier."""
    options = pycolmap.RANSACOptions()
    options.max_error = max_error_px
    options.random_seed = seed
    options.min_num_trials = min_trials
    return options


def two_view_ransac_options(max_error_px: float, seed: int) -> pycolmap.RANSACOptions:
    """COLMAP's for two views, which look for one inlier in four. (RANSAC's own look for one in a hundred: a
    third of a second for each pair that shows nothing in common.) `max_error_px`: of an inlier."""
    options = pycolmap.TwoViewGeometryOptions().ransac
    options.max_error = max_error_px
    options.random_seed = seed
    return options


def absolute_pose_options(
    max_error_px: float,
    seed: int,
    max_trials: int,
    *,
    min_trials: int | None = None,
    min_inlier_ratio: float | None = None,
    solve_focal: bool = False,
) -> pycolmap.AbsolutePoseEstimationOptions:
    """Of a pose from 2D-3D matches. `solve_focal`: of the focal too, on minimal sets."""
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.estimate_focal_length = solve_focal
    options.ransac.max_error = max_error_px
    options.ransac.random_seed = seed
    options.ransac.max_num_trials = max_trials
    if min_trials is not None:
        options.ransac.min_num_trials = min_trials
    if min_inlier_ratio is not None:
        options.ransac.min_inlier_ratio = min_inlier_ratio
    return options


def bundle_options(loss_px: float, max_steps: int) -> pycolmap.BundleAdjustmentOptions:
    """Of a Cauchy loss of this scale. One thread: more would add in another order each time."""
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = loss_px
    options.ceres.solver_options.num_threads = 1
    options.ceres.solver_options.max_num_iterations = max_steps
    return options
