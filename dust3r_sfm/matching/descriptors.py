"""Matches of dense local features: MASt3R's descriptors."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from dust3r_sfm.matching.config import MatchingConfig
from dust3r_sfm.matching.found import choose_evenly, correspondences_at
from dust3r_sfm.matching.reciprocal import grid_seeds, reciprocal_matches
from dust3r_sfm.types import Correspondences


def match_descriptor_maps(
    descriptors_i: Float[Tensor, "h w c"],
    descriptors_j: Float[Tensor, "hj wj c"],
    confidence_i: Float[Tensor, "h w"],
    confidence_j: Float[Tensor, "hj wj"],
    config: MatchingConfig,
) -> Correspondences:
    """Pixels that are each other's nearest by the scalar product of their (unit) descriptors, with the
    geometric mean of their confidences. On the tensors' device; O(seeds h w) time a round."""
    (height, width), (height_j, width_j) = descriptors_i.shape[:2], descriptors_j.shape[:2]
    flat_i, flat_j = descriptors_i.flatten(0, 1).float(), descriptors_j.flatten(0, 1).float()
    device = descriptors_i.device
    rows_i, rows_j = (config.rows_at_once(len(flat), device) for flat in (flat_j, flat_i))
    in_i, in_j = reciprocal_matches(
        grid_seeds(height, width, config.stride, device),
        grid_seeds(height_j, width_j, config.stride, device),
        lambda index: most_similar(flat_i[index], flat_j, rows_i),
        lambda index: most_similar(flat_j[index], flat_i, rows_j),
        config.rounds,
    )
    confidence = (confidence_i.flatten()[in_i] * confidence_j.flatten()[in_j]).float().sqrt()
    sure = torch.nonzero(confidence >= config.descriptor_confidence)[:, 0]
    kept = sure[choose_evenly(len(sure), config.most, device)]
    return correspondences_at(in_i[kept], in_j[kept], (width, width_j), confidence[kept])


def most_similar(
    queries: Float[Tensor, "n c"], descriptors: Float[Tensor, "m c"], rows: int
) -> Int[Tensor, " n"]:
    """Rows of `descriptors` with the greatest scalar product, the first one if several have it; `rows` of
    the queries at once."""
    return torch.cat([_greatest(part @ descriptors.T) for part in queries.split(rows)])


def _greatest(table: Float[Tensor, "n m"]) -> Int[Tensor, " n"]:
    """The first column with the greatest value of each row."""
    if table.device.type == "cpu":
        # Twice as fast as torch there.
        return torch.from_numpy(table.numpy().argmax(axis=1))
    return table.argmax(dim=1)
