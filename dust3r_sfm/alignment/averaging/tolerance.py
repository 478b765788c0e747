"""How much an edge may disagree with the average of all."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class ToleranceConfig:
    """Disagreement that is never held against an edge, and what is beyond it."""

    rotation_error_deg: float = 3.0
    """Between the pair's and the averaged relative rotation."""
    position_error: float = 0.25
    """Relative to the edge's size."""
    scale_error: float = 0.25
    """Of the logarithm."""
    outlying: float = 6.0
    """Beyond what is tolerated, an edge this many times worse than the median one is wrong."""

    def bound(self, error: Float[np.ndarray, " e"], tolerated: float) -> float:
        """The largest error that is not outlying."""
        return max(tolerated, self.outlying * float(np.median(error)))

    def rotation_bound_deg(self, error_deg: Float[np.ndarray, " e"]) -> float:
        return self.bound(error_deg, self.rotation_error_deg)
