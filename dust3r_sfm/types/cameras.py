"""Cameras and rigid transforms."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

Rigid = Float[np.ndarray, "4 4"]

CAMERA_MODELS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "SIMPLE_PINHOLE": (1, 2, 0),
        "PINHOLE": (2, 2, 0),
        "SIMPLE_RADIAL": (1, 2, 1),
        "RADIAL": (1, 2, 2),
        "OPENCV": (2, 2, 4),
        "FULL_OPENCV": (2, 2, 8),
        "FOV": (2, 2, 1),
        "SIMPLE_DIVISION": (1, 2, 1),
        "DIVISION": (2, 2, 1),
        "EUCM": (2, 2, 2),
        "SIMPLE_FISHEYE": (1, 2, 0),
        "FISHEYE": (2, 2, 0),
        "SIMPLE_RADIAL_FISHEYE": (1, 2, 1),
        "RADIAL_FISHEYE": (1, 2, 2),
        "OPENCV_FISHEYE": (2, 2, 4),
        "THIN_PRISM_FISHEYE": (2, 2, 8),
        "RAD_TAN_THIN_PRISM_FISHEYE": (2, 2, 12),
        "EQUIRECTANGULAR": (0, 0, 2),
    }
)
"""COLMAP's camera models, and what the params of each are, in this order: so many focals, coordinates of the
principal point, and coefficients of the lens."""

_ALWAYS_BENT = frozenset(name for name in CAMERA_MODELS if "FISHEYE" in name) | {"EQUIRECTANGULAR"}


@dataclass(frozen=True)
class Camera:
    """A camera in pixels of the image it belongs to, with its lens: one of COLMAP's models and its params, so
    that pycolmap sees what it sees. ValueError for a model that COLMAP lacks, or another number of params.

    `geometry` alone knows what the params do: `project` and `unproject` there go through any lens."""

    model: str
    """COLMAP's name of the camera model, such as PINHOLE or OPENCV."""
    width: int
    """Of the image, in pixels."""
    height: int
    """Of the image, in pixels."""
    params: tuple[float, ...]
    """COLMAP's params of that model: focals and principal point in continuous pixels, then the lens."""

    def __post_init__(self) -> None:
        if self.model not in CAMERA_MODELS:
            names = ", ".join(CAMERA_MODELS)
            raise ValueError(f"{self.model!r} is none of COLMAP's camera models: give one of {names}")
        expected = sum(CAMERA_MODELS[self.model])
        if len(self.params) != expected:
            raise ValueError(f"a {self.model} camera has {expected} params, but {len(self.params)} are given")

    @classmethod
    def pinhole(cls, width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> "Camera":
        """A PINHOLE; all in pixels."""
        return cls("PINHOLE", width, height, (float(fx), float(fy), float(cx), float(cy)))

    @classmethod
    def radial(
        cls, width: int, height: int, fx: float, fy: float, cx: float, cy: float, k1: float
    ) -> "Camera":
        """The camera that alignment solves for: a lens that moves normalised coordinates u to
        (1 + k1 |u|^2) u, as OPENCV with one coefficient; a PINHOLE where k1 is 0."""
        pinhole = cls.pinhole(width, height, fx, fy, cx, cy)
        if k1 == 0.0:
            return pinhole
        return cls("OPENCV", width, height, (*pinhole.params, float(k1), 0.0, 0.0, 0.0))

    @property
    def has_focals(self) -> bool:
        """Whether there are a focal length and a principal point: all but panoramas have them."""
        return CAMERA_MODELS[self.model][0] > 0

    @property
    def focals(self) -> tuple[float, float]:
        """Horizontal and vertical, in pixels."""
        self._require_focals()
        return self.params[0], self.params[CAMERA_MODELS[self.model][0] - 1]

    @property
    def principal_point(self) -> tuple[float, float]:
        """In continuous pixels, from the left and the top edge."""
        self._require_focals()
        first = CAMERA_MODELS[self.model][0]
        return self.params[first], self.params[first + 1]

    def _require_focals(self) -> None:
        if not self.has_focals:
            raise ValueError(f"{self.model} cameras have no focal length and no principal point")

    @property
    def fx(self) -> float:
        """Focal length in pixels, horizontally."""
        return self.focals[0]

    @property
    def fy(self) -> float:
        """Focal length in pixels, vertically."""
        return self.focals[1]

    @property
    def cx(self) -> float:
        """Principal point in continuous pixels, from the left edge."""
        return self.principal_point[0]

    @property
    def cy(self) -> float:
        """Principal point in continuous pixels, from the top edge."""
        return self.principal_point[1]

    @property
    def distortion(self) -> tuple[float, ...]:
        """Coefficients of the lens, as the model orders them; none of a pinhole."""
        focals, principal_point, _ = CAMERA_MODELS[self.model]
        return self.params[focals + principal_point :]

    @property
    def is_pinhole(self) -> bool:
        """Whether no lens bends what it sees: there is none, or its coefficients are all 0."""
        return self.model not in _ALWAYS_BENT and not any(self.distortion)

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """K: pixels from camera coordinates, without the lens."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])
