"""A few hundred Gaussians trained on a CPU: whether a posed set of images is one a splat trainer can use.

Kerbl et al. 2023 (3D Gaussian splatting) and Zwicker et al. 2001 (EWA splatting) without what makes them
fast or pretty: every Gaussian touches every pixel, none is split, colour does not depend on direction.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap
import torch
from jaxtyping import Float, Int
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree
from torch import Tensor

_NEAREST = 0.2  # Of the median depth: nothing is drawn closer to the camera,
_BEYOND = 1.3  # and nothing with its centre this many times as far from the middle as the picture's edge.
_SMOOTHING = 0.3  # Square pixels that each projected Gaussian is widened by.
_RAYS = 4  # A side of each pixel, when images are made small.
_TILE = 8  # Pixels a side.
_DRAWN_SIGMAS = 3.0  # As far from its centre a Gaussian is drawn.
_SHARE = 0.125  # Of a picture's tiles in each step.
_RATES = {"means": 1.5e-3, "log_scales": 1.5e-2, "turns": 5e-3, "colours": 2e-2, "opacities": 3e-2}


@dataclass(frozen=True)
class PosedImages:
    """Small images, their intrinsics and poses, and points to start from. The world is scaled so that the
    points' median depth is 1."""

    names: tuple[str, ...]
    images: Float[Tensor, "n h w 3"]
    intrinsics: Float[Tensor, "n 3 3"]
    cam_from_world: Float[Tensor, "n 4 4"]
    points: Float[Tensor, "p 3"]
    colours: Float[Tensor, "p 3"]

    def only(self, rows: list[int]) -> "PosedImages":
        return replace(
            self,
            names=tuple(self.names[row] for row in rows),
            images=self.images[rows],
            intrinsics=self.intrinsics[rows],
            cam_from_world=self.cam_from_world[rows],
        )

    def shuffled(self, seed: int = 0) -> "PosedImages":
        """Each image with the pose of another one."""
        order = np.random.default_rng(seed).permutation(len(self.names))
        places = np.empty_like(order)
        places[order] = np.roll(order, 1)
        return replace(self, cam_from_world=self.cam_from_world[places.tolist()])


def read_posed_images(model: Path, images: Path, width: int) -> PosedImages:
    """A COLMAP model and its images, seen by pinholes `width` pixels wide. Images come to that size in one
    and the same way, whatever the lens: how sharp they are must not depend on whose model it is."""
    found = pycolmap.Reconstruction(str(model))
    entries = sorted(found.images.values(), key=lambda image: image.name)
    poses = np.stack([np.vstack([e.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]]) for e in entries])
    seen = [_small(images / entry.name, found.cameras[entry.camera_id], width) for entry in entries]
    pictures, intrinsics = zip(*seen, strict=True)
    points = list(found.points3D.values())
    xyz = np.array([point.xyz for point in points])
    rgb = np.array([point.color for point in points]) / 255.0
    unit = float(np.median(np.einsum("nj,pj->np", poses[:, 2, :3], xyz) + poses[:, 2, 3:]))
    poses[:, :3, 3] /= unit
    arrays = (np.stack(pictures), np.stack(intrinsics), poses, xyz / unit, rgb)
    names = tuple(entry.name for entry in entries)
    return PosedImages(names, *(torch.from_numpy(array).float() for array in arrays))


def _small(path: Path, camera: pycolmap.Camera, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of this width without its lens, and the matrix of its pinhole: the mean of several rays in
    each pixel."""
    height = round(camera.height * width / camera.width)
    scale = np.diag([width / camera.width, height / camera.height, 1.0])
    K = scale @ camera.calibration_matrix()
    v, u = (np.mgrid[: height * _RAYS, : width * _RAYS] + 0.5) / _RAYS
    rays = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], axis=-1) @ np.linalg.inv(K).T
    with Image.open(path) as picture:
        size = (width * _RAYS, height * _RAYS)
        photo = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX)) / 255.0
    at = camera.img_from_cam(rays) * [size[0] / camera.width, size[1] / camera.height] - 0.5
    channels = [map_coordinates(photo[..., c], at.T[::-1], order=1, mode="nearest") for c in range(3)]
    sampled = np.stack(channels, axis=-1).reshape(height, _RAYS, width, _RAYS, 3)
    return sampled.mean(axis=(1, 3)), K


def start(posed: PosedImages, count: int, seed: int = 0) -> dict[str, Tensor]:
    """Round Gaussians as large as the gaps between them, at points drawn evenly from all: trainers take them
    all, good ones and bad ones."""
    chosen = np.random.default_rng(seed).permutation(len(posed.points))[:count].tolist()
    means = posed.points[chosen]
    gaps, _ = cKDTree(means.numpy()).query(means.numpy(), k=4)
    sizes = torch.from_numpy(gaps[:, 1:].mean(axis=1)).float().clamp(1e-3, 0.3)
    return {
        "means": means.clone(),
        "log_scales": (0.7 * sizes).log()[:, None].repeat(1, 3),
        "turns": torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        "colours": torch.logit(posed.colours[chosen].clamp(0.02, 0.98)),
        "opacities": torch.full((count,), 1.0),
    }


def draw(
    splats: dict[str, Tensor],
    intrinsics: Float[Tensor, "3 3"],
    cam_from_world: Float[Tensor, "4 4"],
    height: int,
    width: int,
) -> Float[Tensor, "h w 3"]:
    """What the camera sees of the Gaussians, before mid grey."""
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    flat = _flattened(splats, intrinsics, cam_from_world, height, width)
    drawn = _draw_tiles(flat, torch.arange(rows * columns), columns)
    return _joined(drawn, rows, columns)[:height, :width]


@dataclass(frozen=True)
class _Flat:
    """Gaussians on the picture, nearest first: centres in pixels, inverse covariances a, b, c, and how far
    to the sides and up and down they are drawn."""

    centres: Float[Tensor, "n 2"]
    shapes: Float[Tensor, "n 3"]
    reaches: Float[Tensor, "n 2"]
    colours: Float[Tensor, "n 3"]
    opacities: Float[Tensor, " n"]


def _flattened(
    splats: dict[str, Tensor],
    intrinsics: Float[Tensor, "3 3"],
    cam_from_world: Float[Tensor, "4 4"],
    height: int,
    width: int,
) -> _Flat:
    turn, shift = cam_from_world[:3, :3], cam_from_world[:3, 3]
    inside = splats["means"] @ turn.T + shift
    seen = inside.detach()
    edge = _BEYOND * torch.tensor([width, height]) / (2 * torch.diagonal(intrinsics)[:2])
    # The projection is linearised at each centre, which far outside of the picture is no projection at all.
    near = (seen[:, 2] > _NEAREST) & ((seen[:, :2] / seen[:, 2:]).abs() < edge).all(dim=1)
    order = torch.nonzero(near)[:, 0]
    order = order[torch.argsort(seen[order, 2])]
    x, y, z = inside[order].unbind(-1)
    fx, fy = intrinsics[0, 0], intrinsics[1, 1]
    zero = torch.zeros_like(z)
    jacobian = torch.stack([fx / z, zero, -fx * x / z**2, zero, fy / z, -fy * y / z**2], -1).view(-1, 2, 3)
    axes = _rotations(splats["turns"][order]) * splats["log_scales"][order].exp()[:, None]
    spread = jacobian @ turn @ axes
    covariance = spread @ spread.transpose(1, 2) + _SMOOTHING * torch.eye(2)
    return _Flat(
        torch.stack([fx * x / z + intrinsics[0, 2], fy * y / z + intrinsics[1, 2]], -1),
        _inverse(covariance),
        _DRAWN_SIGMAS * torch.diagonal(covariance.detach(), dim1=1, dim2=2).sqrt(),
        torch.sigmoid(splats["colours"][order]),
        torch.sigmoid(splats["opacities"][order]),
    )


def _draw_tiles(flat: _Flat, tiles: Int[Tensor, " t"], columns: int) -> Float[Tensor, "t p 3"]:
    """The pixels of these tiles, which are numbered row by row. Each is drawn with what reaches into it."""
    middles = (torch.stack([tiles % columns, tiles // columns], -1) + 0.5) * _TILE
    away = (flat.centres.detach() - middles[:, None]).abs()
    touching = (away < flat.reaches + _TILE / 2).all(dim=-1)
    most = int(touching.sum(dim=1).max())
    # Stable, so that they stay in the order of their depth.
    chosen = torch.argsort((~touching).byte(), dim=1, stable=True)[:, :most]
    opacities = flat.opacities[chosen] * torch.gather(touching, 1, chosen)
    power = _quadratic(flat.shapes[chosen], flat.centres[chosen] - middles[:, None]) @ _monomials()
    alpha = opacities[..., None] * torch.exp(-0.5 * power.clamp(min=0))
    dimming = torch.log1p(-alpha.clamp(max=0.99))
    clear = torch.cumsum(dimming, dim=1)
    weights = alpha * torch.exp(clear - dimming)
    return weights.transpose(1, 2) @ flat.colours[chosen] + 0.5 * torch.exp(dimming.sum(dim=1))[..., None]


def _joined(tiles: Float[Tensor, "t p 3"], rows: int, columns: int) -> Float[Tensor, "h w 3"]:
    grid = tiles.view(rows, columns, _TILE, _TILE, 3)
    return grid.transpose(1, 2).reshape(rows * _TILE, columns * _TILE, 3)


def _cut(picture: Float[Tensor, "h w c"], rows: int, columns: int) -> Float[Tensor, "t p c"]:
    """The reverse of `_joined`, for a picture of any size: zeros are added at its right and bottom."""
    height, width, channels = picture.shape
    whole = picture.new_zeros(rows * _TILE, columns * _TILE, channels)
    whole[:height, :width] = picture
    grid = whole.view(rows, _TILE, columns, _TILE, channels).transpose(1, 2)
    return grid.reshape(rows * columns, _TILE * _TILE, channels)


def _quadratic(shapes: Float[Tensor, "*n 3"], centres: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 6"]:
    """Coefficients of a (u-x)^2 + 2 b (u-x)(v-y) + c (v-y)^2 for u^2, uv, v^2, u, v and 1."""
    (a, b, c), (x, y) = shapes.unbind(-1), centres.unbind(-1)
    linear = (-2 * (a * x + b * y), -2 * (b * x + c * y))
    return torch.stack([a, 2 * b, c, *linear, a * x * x + 2 * b * x * y + c * y * y], -1)


def _monomials() -> Float[Tensor, "6 p"]:
    """u^2, uv, v^2, u, v and 1 of a tile's pixel centres, counted from its middle."""
    v, u = torch.meshgrid(torch.arange(_TILE) + 0.5, torch.arange(_TILE) + 0.5, indexing="ij")
    u, v = u.reshape(-1) - _TILE / 2, v.reshape(-1) - _TILE / 2
    return torch.stack([u * u, u * v, v * v, u, v, torch.ones_like(u)])


def _rotations(turns: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 3"]:
    """Of quaternions w x y z of any length."""
    w, x, y, z = torch.nn.functional.normalize(turns, dim=-1).unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, -1).view(-1, 3, 3)


def _inverse(matrix: Float[Tensor, "n 2 2"]) -> Float[Tensor, "n 3"]:
    """The three numbers of a symmetric 2x2 matrix's inverse."""
    a, b, c = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    return torch.stack([c, -b, a], -1) / (a * c - b * b)[:, None]


def train(posed: PosedImages, count: int, steps: int, seed: int = 0) -> dict[str, Tensor]:
    """Gaussians that look like the images, after `steps` of Adam on some tiles of one image each."""
    splats = {name: value.requires_grad_() for name, value in start(posed, count, seed).items()}
    optimizer = torch.optim.Adam([{"params": [splats[name]], "lr": rate} for name, rate in _RATES.items()])
    fall = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / steps))
    rng = np.random.default_rng(seed)
    turns: list[int] = []
    for _ in range(steps):
        turns = turns or rng.permutation(len(posed.names)).tolist()
        optimizer.zero_grad()
        _loss(splats, posed, turns.pop(), rng).backward()
        optimizer.step()
        fall.step()
    return {name: value.detach() for name, value in splats.items()}


def _loss(splats: dict[str, Tensor], posed: PosedImages, view: int, rng: np.random.Generator) -> Tensor:
    """Mean absolute difference over a random share of an image's tiles."""
    height, width = posed.images.shape[1:3]
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    tiles = torch.from_numpy(rng.permutation(rows * columns)[: round(_SHARE * rows * columns)])
    shown = torch.cat([posed.images[view], torch.ones(height, width, 1)], dim=-1)
    target = _cut(shown, rows, columns)[tiles]
    flat = _flattened(splats, posed.intrinsics[view], posed.cam_from_world[view], height, width)
    difference = (_draw_tiles(flat, tiles, columns) - target[..., :3]) * target[..., 3:]
    return difference.abs().sum() / (3 * target[..., 3].sum())


@torch.no_grad()
def psnr_db(splats: dict[str, Tensor], posed: PosedImages) -> float:
    """Mean over the images."""
    height, width = posed.images.shape[1:3]
    errors = [
        torch.mean((draw(splats, K, pose, height, width).clamp(0, 1) - image) ** 2)
        for K, pose, image in zip(posed.intrinsics, posed.cam_from_world, posed.images, strict=True)
    ]
    return float(torch.stack([-10 * torch.log10(error) for error in errors]).mean())


def held_out_psnr_db(
    posed: PosedImages, held_out: list[str], count: int, steps: int, *, shuffled: bool = False, runs: int = 3
) -> float:
    """Of images that training does not see, at the poses they have in the model; the mean of `runs` that
    differ in their seed. `shuffled`: training is told wrong poses."""
    unseen = posed.only([row for row, name in enumerate(posed.names) if name in held_out])
    seen = posed.only([row for row, name in enumerate(posed.names) if name not in held_out])
    found = [
        psnr_db(train(seen.shuffled(seed) if shuffled else seen, count, steps, seed), unseen)
        for seed in range(runs)
    ]
    return float(np.mean(found))
