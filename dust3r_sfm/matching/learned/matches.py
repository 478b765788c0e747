"""Which keypoint of one photo shows the same place as which of another: LightGlue."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.matching.learned.features import LearnedFeatures
from dust3r_sfm.matching.learned.networks import LearnedNetworks


@dataclass(frozen=True)
class LearnedMatches:
    """`index_pairs`: number of a keypoint in photo i, and in photo j; each is matched at most once. `scores`
    in (0, 1]: how sure LightGlue is of each."""

    index_pairs: Int[np.ndarray, "k 2"]
    scores: Float[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.scores)


@torch.inference_mode()
def match_learned(
    networks: LearnedNetworks, features_i: LearnedFeatures, features_j: LearnedFeatures
) -> LearnedMatches:
    """By looks and by how keypoints lie in their pictures, not by any geometry of two views: photos that show
    different things have matches too. O(n m) time, O(n m) memory once."""
    if not len(features_i) or not len(features_j):
        return LearnedMatches(np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.float32))
    given = {
        "image0": _as_kornia_wants(features_i, networks.device),
        "image1": _as_kornia_wants(features_j, networks.device),
    }
    found = networks.lightglue(given)
    return LearnedMatches(found["matches"][0].cpu().numpy(), found["scores"][0].cpu().numpy())


def _as_kornia_wants(features: LearnedFeatures, device: torch.device) -> dict[str, Tensor]:
    """A batch of one, with integers at the centres of pixels, as when LightGlue was trained."""
    places = apply_affine(features.searched_from_view, features.pixels) - 0.5
    return {
        "keypoints": torch.from_numpy(places).float()[None].to(device),
        "descriptors": torch.from_numpy(features.descriptors).float()[None].to(device),
        "image_size": torch.tensor([features.searched_size], device=device),
    }
