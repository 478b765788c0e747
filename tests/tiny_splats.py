"""A few hundred Gaussians trained on a CPU: whether a posed set of images is one a splat trainer can use.

Kerbl et al. 2023 (3D Gaussian splatting) and Zwicker et al. 2001 (EWA splatting) without what makes them
fast or pretty: every Gaussian touches every pixel, none is split, colour does not depend on direction.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap
import torch
from jaxtyping import Float
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor

_NEAREST = 0.2  # Of the median depth: nothing is drawn closer to the camera,
_BEYOND = 1.3  # and nothing with its centre this many times as far from the middle as the picture's edge.
_SMOOTHING = 0.3  # Square pixels that each projected Gaussian is widened by.
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
    """A COLMAP model of pinholes and its images, made `width` pixels wide."""
    found = pycolmap.Reconstruction(str(model))
    entries = sorted(found.images.values(), key=lambda image: image.name)
    poses = np.stack([np.vstack([e.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]]) for e in entries])
    pictures, intrinsics = [], []
    for entry in entries:
        camera = found.cameras[entry.camera_id]
        size = (width, round(camera.height * width / camera.width))
        with Image.open(images / entry.name) as picture:
            pictures.append(np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX)) / 255.0)
        scale = np.diag([size[0] / camera.width, size[1] / camera.height, 1.0])
        intrinsics.append(scale @ camera.calibration_matrix())
    xyz = np.array([point.xyz for point in found.points3D.values()])
    rgb = np.array([point.color for point in found.points3D.values()]) / 255.0
    unit = float(np.median(np.einsum("nj,pj->np", poses[:, 2, :3], xyz) + poses[:, 2, 3:]))
    poses[:, :3, 3] /= unit
    arrays = (np.stack(pictures), np.stack(intrinsics), poses, xyz / unit, rgb)
    names = tuple(entry.name for entry in entries)
    return PosedImages(names, *(torch.from_numpy(array).float() for array in arrays))


def start(posed: PosedImages, count: int, seed: int = 0) -> dict[str, Tensor]:
    """Round Gaussians at points drawn evenly over space, as large as the gaps between them."""
    centre = torch.linalg.inv(posed.cam_from_world)[:, :3, 3].mean(dim=0)
    chosen = _spread((posed.points - centre).numpy(), count, seed)
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


def _spread(points: np.ndarray, count: int, seed: int) -> list[int]:
    """Farthest point sampling of a random few, so that how a model spends its points matters little. `points`
    are seen from about the origin."""
    rng = np.random.default_rng(seed)
    pool = rng.choice(len(points), min(len(points), 8 * count), replace=False)
    # Points far away would take all the Gaussians: their gaps are compared as they are seen.
    shown = points[pool] / np.maximum(1.0, np.linalg.norm(points[pool], axis=1, keepdims=True))
    taken, distance = [0], np.full(len(pool), np.inf)
    while len(taken) < count:
        distance = np.minimum(distance, np.square(shown - shown[taken[-1]]).sum(axis=1))
        taken.append(int(distance.argmax()))
    return pool[taken].tolist()


def draw(
    splats: dict[str, Tensor],
    intrinsics: Float[Tensor, "3 3"],
    cam_from_world: Float[Tensor, "4 4"],
    height: int,
    width: int,
) -> Float[Tensor, "h w 3"]:
    """What the camera sees of the Gaussians, before mid grey."""
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
    shape = _inverse(spread @ spread.transpose(1, 2) + _SMOOTHING * torch.eye(2))
    middle = torch.tensor([width, height]) / 2
    centre = torch.stack([fx * x / z + intrinsics[0, 2], fy * y / z + intrinsics[1, 2]], -1) - middle
    power = _quadratic(shape, centre) @ _monomials(height, width)
    alpha = torch.sigmoid(splats["opacities"][order])[:, None] * torch.exp(-0.5 * power.clamp(min=0))
    dimming = torch.log1p(-alpha.clamp(max=0.99))
    clear = torch.cumsum(dimming, dim=0)
    weights = alpha * torch.exp(clear - dimming)
    colours = torch.sigmoid(splats["colours"][order])
    return (weights.T @ colours + 0.5 * torch.exp(clear[-1])[:, None]).view(height, width, 3)


def _quadratic(shape: tuple[Tensor, Tensor, Tensor], centre: Float[Tensor, "n 2"]) -> Float[Tensor, "n 6"]:
    """Coefficients of a (u-x)^2 + 2 b (u-x)(v-y) + c (v-y)^2 for u^2, uv, v^2, u, v and 1."""
    (a, b, c), (x, y) = shape, centre.unbind(-1)
    linear = (-2 * (a * x + b * y), -2 * (b * x + c * y))
    return torch.stack([a, 2 * b, c, *linear, a * x * x + 2 * b * x * y + c * y * y], -1)


def _monomials(height: int, width: int) -> Float[Tensor, "6 p"]:
    """u^2, uv, v^2, u, v and 1 of the pixel centres, counted from the middle of the picture."""
    v, u = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    u, v = u.reshape(-1) - width / 2, v.reshape(-1) - height / 2
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


def _inverse(matrix: Float[Tensor, "n 2 2"]) -> tuple[Tensor, Tensor, Tensor]:
    """The three numbers of a symmetric 2x2 matrix's inverse."""
    a, b, c = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 1]
    determinant = a * c - b * b
    return c / determinant, -b / determinant, a / determinant


def train(posed: PosedImages, count: int, steps: int, seed: int = 0) -> dict[str, Tensor]:
    """Gaussians that look like the images, after `steps` of Adam on one image each."""
    splats = {name: value.requires_grad_() for name, value in start(posed, count, seed).items()}
    optimizer = torch.optim.Adam([{"params": [splats[name]], "lr": rate} for name, rate in _RATES.items()])
    fall = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / steps))
    order = np.random.default_rng(seed)
    turns: list[int] = []
    for _ in range(steps):
        turns = turns or order.permutation(len(posed.names)).tolist()
        view = turns.pop()
        height, width = posed.images.shape[1:3]
        seen = draw(splats, posed.intrinsics[view], posed.cam_from_world[view], height, width)
        optimizer.zero_grad()
        (seen - posed.images[view]).abs().mean().backward()
        optimizer.step()
        fall.step()
    return {name: value.detach() for name, value in splats.items()}


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
    posed: PosedImages, held_out: list[str], count: int, steps: int, *, shuffled: bool = False, seed: int = 0
) -> float:
    """Of images that training does not see, at the poses they have in the model. `shuffled`: training is
    told wrong poses."""
    unseen = [row for row, name in enumerate(posed.names) if name in held_out]
    seen = posed.only([row for row, name in enumerate(posed.names) if name not in held_out])
    splats = train(seen.shuffled(seed) if shuffled else seen, count, steps, seed)
    return psnr_db(splats, posed.only(unseen))
