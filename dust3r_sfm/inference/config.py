"""What a user may choose about inference."""

from dataclasses import dataclass, field

from dust3r_sfm.evidence import EvidenceConfig
from dust3r_sfm.retrieval import SearchConfig, VladConfig


@dataclass(frozen=True)
class InferenceConfig:
    """How pairs are chosen by their looks and measured, and what of that is in memory."""

    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    """How much is kept of each pair."""
    descriptors: VladConfig = field(default_factory=VladConfig)
    """What photos look like, where pairs are chosen by that."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """Which photos look alike by these."""
    encoding_bytes: int = 512 * 2**20
    """Of encodings in memory; the others are read from disk when they are asked for."""
    map_bytes: int = 1024 * 2**20
    """Of depth maps that may stay in memory where there is no work folder; if there may be more, all go to a
    temporary one."""
