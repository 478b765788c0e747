"""The inert data that passes between the stages.

Frames and units, everywhere in the package: OpenCV cameras (x right, y down, z forward),
`a_from_b` transforms, continuous pixels with the first pixel's centre at (0.5, 0.5), world scale
arbitrary. Confidence is DUSt3R's: at least 1, and 1 means "knows nothing".
"""

from dust3r_sfm.types.cameras import CAMERA_MODELS, Camera, Rigid
from dust3r_sfm.types.images import Affine, Framing, ImageSpec, Rectification, View
from dust3r_sfm.types.localization import FocalSource, Localization
from dust3r_sfm.types.pairs import (
    ConfidenceArray,
    Correspondences,
    Pair,
    PairGeometry,
    PairPrediction,
    PointmapArray,
    Predictions,
)
from dust3r_sfm.types.reports import (
    AlignmentReport,
    AlignmentStage,
    PairReport,
    UpAxis,
    UpSource,
    Verdict,
    ViewProof,
)
from dust3r_sfm.types.scene import Reconstruction, Scene, Tracks

__all__ = [
    "CAMERA_MODELS",
    "Affine",
    "AlignmentReport",
    "AlignmentStage",
    "Camera",
    "ConfidenceArray",
    "Correspondences",
    "FocalSource",
    "Framing",
    "ImageSpec",
    "Localization",
    "Pair",
    "PairGeometry",
    "PairPrediction",
    "PairReport",
    "PointmapArray",
    "Predictions",
    "Reconstruction",
    "Rectification",
    "Rigid",
    "Scene",
    "Tracks",
    "UpAxis",
    "UpSource",
    "Verdict",
    "View",
    "ViewProof",
]
