"""How the second-order refinement of a component goes."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OutlierRejectionConfig:
    """Which pairs refinement shows to be wrong."""

    misfit: float = 5.0
    """A pair is wrong whose points miss by more than so many times the median of all pairs ..."""
    misfit_focals: float = 0.005
    """... and by more than this share of the focal."""
    most_rejections: int = 6
    """Times pairs are dropped and the rest refined again, before it is taken as it is."""
    later_rounds: int = 1
    """Rounds of a refinement that starts where the one before it ended, but for a few pairs."""
    few: float = 0.005
    """Share of pairs that may go without another refinement: robust kernels gave them hardly any weight."""


@dataclass(frozen=True)
class RefinementConfig:
    """Levenberg-Marquardt on samples of all pairs, with the noise estimated anew each round."""

    rounds: int = 4
    """Times the depth that all pairs agree on, and the noise, are taken anew."""
    iterations: int = 10
    """Most steps of a round."""
    least_gain: float = 1e-4
    """Share of the cost by which a step must lower it for another to follow. (Ten times less took a third
    longer and changed no figure of any real set.)"""
    at_rest: float = 1e-5
    """Largest change of any entry of a pose in a round after which there is no other."""
    cauchy_width: float = 2.0
    """Of the robust kernel, in standard deviations."""
    least_spread: float = 3e-5
    """Relative standard deviation of a point that is always assumed."""
    least_spread_px: float = 0.02
    """The same of a match, in view pixels."""
    least_depth_spread: float = 1e-4
    """The same of the depth that pairs agree on, of its logarithm."""
    min_common_samples: int = 8
    """Samples that a pair must share with the depth that all agree on, to be compared with it."""
    max_samples: int = 250_000
    """Known samples that all pairs are refined with together: cameras have so few parameters that more of
    them would only take longer. No pair has more than its share, or few that know all would outvote the many
    that know little."""
    min_samples: int = 64
    """Known samples of a pair, of nine of ten, that there are at least, however many pairs there are."""
    chunk_samples: int = 4096
    """Samples, of as many pairs as that makes, linearised together: what they need fits a core's cache."""
    outliers: OutlierRejectionConfig = field(default_factory=OutlierRejectionConfig)
    """Which pairs leave on the way."""
