"""How commands say what they are going to do, how far they are, and what came of it."""

from dust3r_sfm.cli.reporting.messages import Failure, Planned, Step, Summary
from dust3r_sfm.cli.reporting.reporter import Reporter

__all__ = ["Failure", "Planned", "Reporter", "Step", "Summary"]
