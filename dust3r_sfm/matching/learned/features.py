"""Keypoints of a photo, found once, whatever it is matched with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float16, Int, UInt8
from torch import Tensor

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.geometry.pixels import select_usable
from dust3r_sfm.matching.learned.config import LearnedFeatureConfig
from dust3r_sfm.matching.learned.networks import LearnedNetworks
from dust3r_sfm.matching.learned.pyramid import describe, pyramid_of, score_map
from dust3r_sfm.types import Affine, View

_CENTRE = 0.5
"""ALIKED and LightGlue have integers at the centres of pixels; here the first centre is at (0.5, 0.5)."""


@dataclass(frozen=True)
class LearnedFeatures:
    """Keypoints of one photo, the strongest first.

    `pixels` are continuous pixels of the view. `searched_from_view` takes them to the picture that was
    searched (turned, if it was turned), of `searched_size` (width, height): how LightGlue sees them lie.
    """

    pixels: Float[np.ndarray, "n 2"]
    descriptors: Float16[np.ndarray, "n 128"]
    scores: Float[np.ndarray, " n"]
    searched_from_view: Affine
    searched_size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def resolution(self) -> float:
        """Pixels of the searched picture for each pixel of the view, the unit of the keypoints' precision."""
        return float(np.sqrt(abs(np.linalg.det(self.searched_from_view[:2, :2]))))


def select_strongest(features: LearnedFeatures, most: int) -> LearnedFeatures:
    """The first `most` of them, with the numbers they had: what is matched of these holds for all."""
    return replace(
        features,
        pixels=features.pixels[:most],
        descriptors=features.descriptors[:most],
        scores=features.scores[:most],
    )


@torch.inference_mode()
def detect_features(
    networks: LearnedNetworks,
    view: View,
    picture: UInt8[np.ndarray, "h w 3"],
    view_from_picture: Affine,
    config: LearnedFeatureConfig,
    quarter_turns: int = 0,
) -> LearnedFeatures:
    """Of a view's photo, given as RGB with as many pixels as are to be searched (see `load_color`). Keypoints
    where the view does not reach or its mask forbids are left out, before the strongest are chosen.

    The networks know photos the right way up only: the picture is searched turned anticlockwise by 90 degrees
    `quarter_turns` times. `pixels` are the view's as it stands all the same. Turned photos have other
    keypoints: for tracks to chain, a photo is to be searched one way up for all of its pairs.
    """
    turned_from_view = _turned_from_picture(picture, quarter_turns) @ np.linalg.inv(view_from_picture)
    pyramid = pyramid_of(networks.aliked, _turn_on_device(networks.device, picture, quarter_turns))
    # kornia gives them in [-1, 1], from the first pixel's centre to the last one's.
    (relative,), (scores,), _ = networks.aliked.dkd(score_map(networks.aliked, pyramid))
    places = (relative + 1.0) / 2.0 * (relative.new_tensor(pyramid.size) - 1.0)
    pixels = apply_affine(np.linalg.inv(turned_from_view), places.double().cpu().numpy() + _CENTRE)
    chosen = _strongest_usable(scores.cpu().numpy(), select_usable(view, pixels), config.max_keypoints)
    descriptors = describe(networks.aliked, pyramid, places[torch.from_numpy(chosen).to(places.device)])
    return LearnedFeatures(
        pixels[chosen],
        descriptors.half().cpu().numpy(),
        scores.cpu().numpy()[chosen],
        turned_from_view,
        pyramid.size,
    )


def _strongest_usable(
    scores: Float[np.ndarray, " n"], usable: Bool[np.ndarray, " n"], most: int
) -> Int[np.ndarray, " k"]:
    order = np.argsort(-scores, kind="stable")
    return order[usable[order]][:most]


def _turned_from_picture(picture: UInt8[np.ndarray, "h w 3"], quarter_turns: int) -> Affine:
    """Continuous pixels of np.rot90(picture, quarter_turns)."""
    (height, width), turned_from_picture = picture.shape[:2], np.eye(3)
    for _ in range(quarter_turns % 4):
        turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, width], [0.0, 0.0, 1.0]])
        turned_from_picture = turn @ turned_from_picture
        height, width = width, height
    return turned_from_picture


def _turn_on_device(
    device: torch.device, picture: UInt8[np.ndarray, "h w 3"], quarter_turns: int
) -> Float[Tensor, "1 3 _h _w"]:
    pixels = torch.from_numpy(np.ascontiguousarray(np.rot90(picture, quarter_turns))).to(device)
    return pixels.permute(2, 0, 1)[None].float() / 255.0


def arrays_from_features(features: LearnedFeatures, prefix: str = "learned_") -> dict[str, np.ndarray]:
    """Named arrays, to be kept in files without pickle."""
    return {
        f"{prefix}pixels": features.pixels,
        f"{prefix}descriptors": features.descriptors,
        f"{prefix}scores": features.scores,
        f"{prefix}searched_from_view": features.searched_from_view,
        f"{prefix}searched_size": np.array(features.searched_size),
    }


def features_from_arrays(arrays: Mapping[str, np.ndarray], prefix: str = "learned_") -> LearnedFeatures:
    """What `arrays_from_features` was given."""
    width, height = arrays[f"{prefix}searched_size"].tolist()
    return LearnedFeatures(
        arrays[f"{prefix}pixels"],
        arrays[f"{prefix}descriptors"],
        arrays[f"{prefix}scores"],
        arrays[f"{prefix}searched_from_view"],
        (width, height),
    )
