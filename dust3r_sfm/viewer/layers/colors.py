"""Colours of points and lines by a figure of theirs."""

import numpy as np
from jaxtyping import Float, UInt8

_STOPS = np.array(
    [(40, 16, 90), (45, 90, 190), (30, 165, 160), (110, 205, 80), (250, 195, 45), (225, 45, 25)], dtype=float
)
"""Violet through blue, green and yellow to red, as depth/ has it."""
_GOOD_TO_BAD = np.array([(40, 150, 70), (235, 180, 40), (205, 40, 30)], dtype=float)
_GAMMA = 2.2
_INSIDE = (2, 98)
"""Percentiles that the colours run between."""


def spread_colors(values: Float[np.ndarray, " n"]) -> UInt8[np.ndarray, "n 3"]:
    """Small ones red, large ones violet: near and far."""
    if not len(values):
        return np.zeros((0, 3), dtype=np.uint8)
    low, high = np.percentile(values, _INSIDE)
    share = (values - low) / max(float(high - low), 1e-12)
    return _mixed(1.0 - share, _STOPS)


def trust_colors(confidence: Float[np.ndarray, " n"]) -> UInt8[np.ndarray, "n 3"]:
    """1 - 1 / confidence: violet knows nothing, red is sure."""
    return _mixed(1.0 - 1.0 / np.maximum(confidence, 1.0), _STOPS)


def error_colors(errors_px: Float[np.ndarray, " n"], bad_px: float) -> UInt8[np.ndarray, "n 3"]:
    """Green where there is none, red from `bad_px` on, and where it is not finite."""
    share = np.where(np.isfinite(errors_px), errors_px, bad_px) / bad_px
    return _mixed(share, _GOOD_TO_BAD)


def _mixed(share: Float[np.ndarray, " n"], stops: Float[np.ndarray, "s 3"]) -> UInt8[np.ndarray, "n 3"]:
    at = np.clip(share, 0.0, 1.0)
    ramp = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(at, ramp, channel) for channel in stops.T], axis=-1).round().astype(np.uint8)


def line_colors(colors: UInt8[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "n 2 3"]:
    """Of both ends of lines. viser takes colours of ends as linear light, and would draw these too pale."""
    linear = (255 * (colors / 255.0) ** _GAMMA).round().astype(np.uint8)
    return np.repeat(linear[:, None], 2, axis=1)
