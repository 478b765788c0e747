"""What each view's place rests on, and what is to be thought of the whole: for the report."""

from collections.abc import Sequence

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.pose_covariance import CameraUncertainty
from dust3r_sfm.alignment.verification.scene_parts import scene_witnesses
from dust3r_sfm.alignment.verification.scene_uncertainty import scene_uncertainty
from dust3r_sfm.alignment.verification.witnesses import Witness
from dust3r_sfm.types import Verdict, View, ViewProof


def view_proofs(
    component: Component, views: Sequence[View], init: Initialization, config: VerificationConfig
) -> tuple[ViewProof, ...]:
    """One a member."""
    witnesses = scene_witnesses(component, init, config)
    known = scene_uncertainty(component, views, init, config)
    return tuple(_proof(row, witnesses, known) for row in range(len(component.members)))


def _proof(row: int, witnesses: Sequence[Witness], known: CameraUncertainty | None) -> ViewProof:
    mine = [w for w in witnesses if row in (w.i, w.j)]
    matches = sum(w.matches for w in mine)
    share = sum(w.agreeing for w in mine) / matches if matches else None
    supporting = sum(w.supports for w in mine)
    if known is None:
        return ViewProof(supporting, share, None, None, None)
    return ViewProof(
        supporting,
        share,
        float(known.rotation_std_deg[row]),
        float(known.centre_std[row]),
        float(known.log_focal_std[row]),
        tuple(known.covariance[row].ravel().tolist()),
    )


def scene_verdict(proofs: Sequence[ViewProof], config: VerificationConfig) -> tuple[Verdict, str]:
    """And why, in words."""
    if all(proof.agreeing_share is None for proof in proofs):
        return Verdict.UNCHECKED, "there are no matches to check it by"
    weak = []
    if len(proofs) == 2:
        weak.append("two photos have nobody but each other to check them")
    stds = [proof.focal_std for proof in proofs if proof.focal_std is not None]
    guessed = [std for std in stds if std > config.max_focal_std]
    if guessed:
        weak.append(
            f"the photos do not tell the focal of {len(guessed)} of them (known to {max(guessed):.0%}, by"
            " what is usual): give --focal"
        )
    if weak:
        return Verdict.WEAK, "; ".join(weak)
    return Verdict.PROVED, "every photo is checked by others"
