"""One depth map that waits for fusion, in 4 bytes a known pixel (8 from the other side of its pair)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float16, UInt8, UInt16

from dust3r_sfm.types import ConfidenceArray

_STEPS = np.iinfo(np.uint16).max
_UNIT_SAMPLES = 4096
"""Points that tell the unit of a map's lengths: any within a factor of some hundreds does."""
_LARGEST = float(np.finfo(np.float16).max)
_LEAST_CONFIDENCE = float(np.nextafter(np.float16(1.0), np.float16(2.0)))
"""Above 1, which means "knows nothing"."""


@dataclass(frozen=True, eq=False)
class DenseMap:
    """What one pair says of one view, in the pair's own scale: the depth, where the view is the pair's
    first, or points in the first camera's frame, where it is the second.

    `values` and `confidence` have one row a known pixel, row by row of the image; `known` is a bit a
    pixel (`np.packbits`). Depths are exp(`origin` + `unit` * value): rounded by at most 0.005 % if the
    farthest is 1000 times as far as the nearest. (The 0.05 % of float16 would show in fused depth.)
    Points have signs; they are `unit` * value, each coordinate rounded by at most 0.05 % of itself.
    """

    height: int
    width: int
    known: UInt8[np.ndarray, " _bytes"]
    values: UInt16[np.ndarray, "k 1"] | Float16[np.ndarray, "k 3"]
    origin: float
    unit: float
    confidence: Float16[np.ndarray, " k"]

    @property
    def num_bytes(self) -> int:
        return self.known.nbytes + self.values.nbytes + self.confidence.nbytes

    def unpack(self) -> tuple[Float[np.ndarray, "h w channels"], ConfidenceArray]:
        """float32 lengths in one or three channels, 0 where unknown, and confidence, 1 where unknown."""
        shape = self.height, self.width
        known = np.unpackbits(self.known, count=self.height * self.width).astype(bool).reshape(shape)
        scaled = self.values.astype(np.float32) * np.float32(self.unit)
        lengths = np.zeros((*shape, scaled.shape[1]), np.float32)
        confidence = np.ones(shape, np.float32)
        lengths[known] = np.exp(scaled + np.float32(self.origin)) if scaled.shape[1] == 1 else scaled
        confidence[known] = self.confidence
        return lengths, confidence


def pack_depth(
    depth: Float[np.ndarray, "h w"], confidence: ConfidenceArray, known: Bool[np.ndarray, "h w"]
) -> DenseMap:
    """The `known` pixels' depths, which must be finite and positive, and confidences above 1."""
    logs = np.log(depth[known])
    least, most = (float(np.float32(x)) for x in (logs.min(), logs.max())) if len(logs) else (0.0, 0.0)
    unit = float(np.float32(max(most - least, 1e-6) / _STEPS))
    steps = np.clip(np.rint((logs - least) / unit), 0, _STEPS).astype(np.uint16)
    height, width = known.shape
    trust = _trust(confidence[known])
    return DenseMap(height, width, np.packbits(known), steps[:, None], least, unit, trust)


def pack_points(
    points: Float[np.ndarray, "h w 3"], confidence: ConfidenceArray, known: Bool[np.ndarray, "h w"]
) -> DenseMap:
    """The `known` pixels' points, which must be finite, and confidences above 1."""
    lengths = points[known]
    unit = _typical_length(lengths)
    with np.errstate(over="ignore"):
        # What is 65 504 times as far as the rest becomes infinite, which fusion takes as unknown.
        values = (lengths / np.float32(unit)).astype(np.float16)
    height, width = known.shape
    return DenseMap(height, width, np.packbits(known), values, 0.0, unit, _trust(confidence[known]))


def _trust(confidence: Float[np.ndarray, " k"]) -> Float16[np.ndarray, " k"]:
    return np.clip(confidence, _LEAST_CONFIDENCE, _LARGEST).astype(np.float16)


def _typical_length(points: Float[np.ndarray, "k 3"]) -> float:
    """Median of the largest coordinates of a regular subset: a float32, so that files hold it exactly."""
    if not len(points):
        return 1.0
    some = points[:: max(1, len(points) // _UNIT_SAMPLES)]
    typical = float(np.float32(np.median(np.abs(some).max(axis=1))))
    return typical if np.isfinite(typical) and typical > 0 else 1.0


def arrays_from_map(dense: DenseMap) -> dict[str, np.ndarray]:
    return {
        "size": np.array([dense.height, dense.width]),
        "known": dense.known,
        "values": dense.values,
        "scale": np.array([dense.origin, dense.unit]),
        "confidence": dense.confidence,
    }


def map_from_arrays(arrays: Mapping[str, np.ndarray]) -> DenseMap:
    height, width = arrays["size"].tolist()
    origin, unit = arrays["scale"].tolist()
    return DenseMap(height, width, arrays["known"], arrays["values"], origin, unit, arrays["confidence"])
