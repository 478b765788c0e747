"""Batches of both orientations, as training stores them: every image landscape, portrait ones transposed.

A portrait image has as many tokens as its transpose, so only patches and heads are run by orientation;
the transformer takes the batch whole, each sample turned by its own positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.dust3r import Dust3r
from dust3r_sfm.networks.outputs import ViewOutput
from dust3r_sfm.networks.rotary import Grid, Rotation

StoredImages = Float[Tensor, "b 3 h w"]
TrueShapes = Int[Tensor, "b 2"]


@dataclass(frozen=True)
class _StoredView:
    """One view of every sample: which are portrait, and the grid of patches they are stored in."""

    images: StoredImages
    portrait: Bool[Tensor, " b"]
    grid: Grid

    @property
    def transposed_grid(self) -> Grid:
        return self.grid[1], self.grid[0]

    def by_orientation(self) -> Iterator[tuple[bool, Int[Tensor, " k"]]]:
        """Portrait or not, and the samples that are, unless there are none."""
        for portrait in (False, True):
            index = torch.nonzero(self.portrait == portrait).squeeze(1)
            if len(index):
                yield portrait, index

    def rotation(self, landscape: Rotation, portrait: Rotation) -> Rotation:
        """One for each sample, by its orientation."""
        mask = self.portrait[:, None, None, None]
        return Rotation(
            torch.where(mask, portrait.cos, landscape.cos), torch.where(mask, portrait.sin, landscape.sin)
        )


def forward_mixed(
    network: Dust3r,
    images_i: StoredImages,
    images_j: StoredImages,
    true_shapes_i: TrueShapes,
    true_shapes_j: TrueShapes,
) -> tuple[ViewOutput, ViewOutput]:
    """What `network` says of each pair by itself, in maps that are stored as the images are.

    `true_shapes` are (height, width); a sample whose true shape is the transpose of the stored one is
    stored transposed. Images are RGB in [-1, 1]. Raises InputError for any other true shape.
    """
    view_i = _StoredView(images_i, _portrait(images_i, true_shapes_i), network.grid(images_i))
    view_j = _StoredView(images_j, _portrait(images_j, true_shapes_j), network.grid(images_j))
    tokens_i, tokens_j = _encode(network, view_i), _encode(network, view_j)
    rotation_i, rotation_j = (
        view.rotation(*(network.decoder_rotation(grid, tokens) for grid in (view.grid, view.transposed_grid)))
        for view, tokens in ((view_i, tokens_i), (view_j, tokens_j))
    )
    embedded = network.embed(tokens_i), network.embed(tokens_j)
    taps_i, taps_j = zip(*network.decoder_taps(*embedded, rotation_i, rotation_j), strict=True)
    raw_i = _raw_maps(network, 0, tokens_i, taps_i, view_i)
    raw_j = _raw_maps(network, 1, tokens_j, taps_j, view_j)
    return network.view_output(raw_i), network.view_output(raw_j)


def _portrait(images: StoredImages, true_shapes: TrueShapes) -> Bool[Tensor, " b"]:
    stored = torch.tensor(images.shape[-2:], device=true_shapes.device)
    upright = (true_shapes == stored).all(dim=1)
    turned = (true_shapes == stored.flip(0)).all(dim=1)
    if not bool((upright | turned).all()):
        wrong = true_shapes[~(upright | turned)][0].tolist()
        raise InputError(
            f"A true shape of {wrong} does not fit images stored as {stored.tolist()} (height, width); "
            "store it so or transposed."
        )
    return (turned & ~upright).to(images.device)


def _encode(network: Dust3r, view: _StoredView) -> Float[Tensor, "b n d"]:
    parts, order = [], []
    for portrait, index in view.by_orientation():
        images = view.images[index]
        parts.append(network.patch_embed(images.transpose(2, 3) if portrait else images))
        order.append(index)
    patches = torch.cat(parts)[torch.cat(order).argsort()]
    grids = (view.grid, view.transposed_grid)
    rotation = view.rotation(*(network.encoder_rotation(grid, patches) for grid in grids))
    for block in network.enc_blocks:
        patches = block(patches, rotation)
    return network.enc_norm(patches)


def _raw_maps(
    network: Dust3r,
    role: int,
    tokens: Float[Tensor, "b n d"],
    taps: tuple[Float[Tensor, "b n _d"], ...],
    view: _StoredView,
) -> Float[Tensor, "b c h w"]:
    parts, order = [], []
    for portrait, index in view.by_orientation():
        grid = view.transposed_grid if portrait else view.grid
        start = network.head_start(role, tokens[index], grid)
        raw = network.raw_maps(role, start, [tap[index] for tap in taps], grid)
        parts.append(raw.transpose(2, 3) if portrait else raw)
        order.append(index)
    return torch.cat(parts)[torch.cat(order).argsort()]
