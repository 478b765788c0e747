"""The published alignment: every pixel of every pair, descended with Adam. Kept to compare with;
`alignment.align` solves the same problem faster and closer."""

from dust3r_sfm.alignment.gradient.align import align_by_gradient
from dust3r_sfm.alignment.gradient.config import GradientConfig

__all__ = ["GradientConfig", "align_by_gradient"]
