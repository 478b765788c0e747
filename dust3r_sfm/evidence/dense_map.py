"""One depth map that waits for fusion, in 4 bytes a known pixel (8 from the other side of its pair)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float16, UInt8

from dust3r_sfm.types import ConfidenceArray

_UNIT_SAMPLES = 4096
_LARGEST = float(np.finfo(np.float16).max)
_LEAST_CONFIDENCE = float(np.nextafter(np.float16(1.0), np.float16(2.0)))


@dataclass(frozen=True, eq=False)
class DenseMap:
    """What one pair says of one view, in the pair's own scale: the depth (one channel), where the view
    is the pair's first, or points in the first camera's frame (three), where it is the second.

    `values` and `confidence` have one row a known pixel, row by row of the image; `known` is a bit a
    pixel (`np.packbits`). `values` times `unit` are lengths: float16 rounds them by at most 0.05 % of a
    typical length here, however large or small lengths are in this pair.
    """

    height: int
    width: int
    known: UInt8[np.ndarray, " _bytes"]
    values: Float16[np.ndarray, "k channels"]
    unit: float
    confidence: Float16[np.ndarray, " k"]

    @property
    def num_bytes(self) -> int:
        return self.known.nbytes + self.values.nbytes + self.confidence.nbytes

    def unpacked(self) -> tuple[Float[np.ndarray, "h w channels"], ConfidenceArray]:
        """float32 lengths, 0 where unknown, and confidence, 1 where unknown."""
        shape = self.height, self.width
        known = np.unpackbits(self.known, count=self.height * self.width).astype(bool).reshape(shape)
        values = np.zeros((*shape, self.values.shape[1]), np.float32)
        confidence = np.ones(shape, np.float32)
        values[known] = self.values.astype(np.float32) * np.float32(self.unit)
        confidence[known] = self.confidence
        return values, confidence


def pack(
    values: Float[np.ndarray, "h w channels"], confidence: ConfidenceArray, known: Bool[np.ndarray, "h w"]
) -> DenseMap:
    """Depth or points, of which only the `known` ones (finite, confidence above 1) are kept."""
    height, width = known.shape
    lengths, trust = values[known], confidence[known]
    unit = _typical_length(lengths)
    with np.errstate(over="ignore"):
        # What is 65 504 times as far as the rest becomes infinite, which fusion takes as unknown.
        scaled = (lengths / np.float32(unit)).astype(np.float16)
    trust = np.clip(trust, _LEAST_CONFIDENCE, _LARGEST).astype(np.float16)
    return DenseMap(height, width, np.packbits(known), scaled, unit, trust)


def _typical_length(lengths: Float[np.ndarray, "k channels"]) -> float:
    """Median of the largest coordinates of a regular subset: a float32, so that files hold it exactly."""
    if not len(lengths):
        return 1.0
    some = lengths[:: max(1, len(lengths) // _UNIT_SAMPLES)]
    typical = float(np.float32(np.median(np.abs(some).max(axis=1))))
    return typical if np.isfinite(typical) and typical > 0 else 1.0


def arrays_from_map(dense: DenseMap) -> dict[str, np.ndarray]:
    return {
        "size": np.array([dense.height, dense.width]),
        "known": dense.known,
        "values": dense.values,
        "unit": np.array(dense.unit, np.float32),
        "confidence": dense.confidence,
    }


def map_from_arrays(arrays: Mapping[str, np.ndarray]) -> DenseMap:
    height, width = (int(n) for n in arrays["size"])
    return DenseMap(
        height, width, arrays["known"], arrays["values"], float(arrays["unit"]), arrays["confidence"]
    )
