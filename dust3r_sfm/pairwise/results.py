"""What a pair tells, and how it is asked."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from dust3r_sfm.types import Camera, Correspondences, PairPrediction, Rigid, View

FocalEstimator = Literal["weiszfeld", "median"]


@dataclass(frozen=True)
class RelativeCameraConfig:
    """How a relative pose is found in a pair's pointmaps, and when it is believed."""

    min_points: int = 24
    """Fewer known points than this do not make a camera."""
    pose_points: int = 4000
    """Points that the pose is resected from, of the more confident half."""
    max_error: float = 0.008
    """Reprojection error of an inlier over the long edge."""
    min_inlier_share: float = 0.3
    """Of these points, that must agree on the pose."""
    max_line_error: float = 0.003
    """Distance of a match from its epipolar line over the long edge: 1.5 of 512 pixels."""
    seed: int = 0
    """Of RANSAC."""


@dataclass(frozen=True)
class ImagePair:
    """Two views and what a regressor says of them in both directions."""

    view_i: View
    """The first view."""
    view_j: View
    """The second."""
    forward: PairPrediction
    """In the frame of camera i, in a scale of its own."""
    backward: PairPrediction
    """In the frame of camera j, in a scale of its own."""


@dataclass(frozen=True)
class RelativeCamera:
    """Both cameras and their relative pose."""

    camera_i: Camera
    """In pixels of view i."""
    camera_j: Camera
    """In pixels of view j."""
    j_from_i: Rigid
    """Takes camera i's coordinates to camera j's, in the scale of `ImagePair.forward`."""
    inlier_share: float
    """Of the points that the pose was resected from, those that agree with it."""
    matches: Correspondences
    """The correspondences that lie on their epipolar lines, in continuous view pixels."""


@dataclass(frozen=True)
class PairDepth:
    """Depth that a pair gives one of its views."""

    depth: Float[np.ndarray, "h w"]
    """z of every pixel in its own `camera`, 0 where unknown."""
    confidence: Float[np.ndarray, "h w"]
    """DUSt3R's (1: unknown)."""
    camera: Camera
    """In pixels of the view."""
