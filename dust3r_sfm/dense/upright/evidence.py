"""What one kind of evidence says of the direction that is up."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.transforms import tangents
from dust3r_sfm.types import UpSource


@dataclass(frozen=True)
class UpEvidence:
    """A normal distribution of directions about one of them."""

    direction: Float[np.ndarray, "3"]
    """Unit vector in the world's frame."""
    covariance: Float[np.ndarray, "2 2"]
    """Of its coordinates along `tangents(direction)`, in square radians."""
    source: UpSource
    """What tells it."""
    reason: str
    """What was seen, in words."""

    @property
    def std_deg(self) -> float:
        """Where it is known least."""
        return float(np.degrees(np.sqrt(np.linalg.eigvalsh(self.covariance)[-1])))


def combine(first: UpEvidence, second: UpEvidence) -> UpEvidence:
    """The product of both, whose source is the second's. They are to be near each other: it is linear."""
    basis = tangents(first.direction)
    turned = basis @ tangents(second.direction).T
    own = np.linalg.inv(first.covariance)
    other = np.linalg.inv(turned @ second.covariance @ turned.T)
    covariance = np.linalg.inv(own + other)
    step = covariance @ other @ basis @ second.direction
    direction = first.direction + step @ basis
    direction /= np.linalg.norm(direction)
    back = tangents(direction) @ basis.T
    reason = f"{first.reason}; {second.reason}"
    return UpEvidence(direction, back @ covariance @ back.T, second.source, reason)
