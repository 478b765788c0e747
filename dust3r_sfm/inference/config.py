"""What a user may choose about inference."""

from dataclasses import dataclass, field

from dust3r_sfm.evidence import EvidenceConfig


@dataclass(frozen=True)
class InferenceConfig:
    """evidence: how much is kept of each pair. encoding_bytes: of encodings in memory; the others are read
    from disk when they are asked for. map_bytes: of depth maps that may stay in memory where there is no
    work folder; if there may be more, all go to a temporary one."""

    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    encoding_bytes: int = 512 * 2**20
    map_bytes: int = 1024 * 2**20
