"""What is kept of each predicted pair: enough to align, and little enough for any number of pairs."""

from dust3r_sfm.evidence.collecting import Collector, Evidence, evidence_from_predictions, resume_collector
from dust3r_sfm.evidence.config import EvidenceConfig
from dust3r_sfm.evidence.summary import PairSummary

__all__ = [
    "Collector",
    "Evidence",
    "EvidenceConfig",
    "PairSummary",
    "evidence_from_predictions",
    "resume_collector",
]
