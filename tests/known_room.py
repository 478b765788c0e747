"""Photos of made-up rooms, and a regressor that looks their exact geometry up: what is left to test is
everything around the two. Nobody looks at the photos, so they are noise and cost nothing."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Notebook
from dust3r_sfm.synthetic.cameras import Rig, arc_cameras
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.synthetic.rendering.render import render_depth
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import ImageSpec, Pair, PairGeometry, PairPrediction, View

WIDTH, HEIGHT, FOCAL = 96, 72, 88.0


@dataclass(frozen=True)
class Room:
    """Photos called `<name>/0.png`, ... of one room."""

    name: str
    rig: Rig
    images: tuple[UInt8[np.ndarray, "h w 3"], ...]
    depths: tuple[Float[np.ndarray, "h w"], ...]

    def write(self, folder: Path) -> None:
        (folder / self.name).mkdir(parents=True)
        for index, image in enumerate(self.images):
            Image.fromarray(image).save(folder / self.name / f"{index}.png")


def make_room(name: str, seed: int, count: int) -> Room:
    scene = room_scene(seed)
    rig = arc_cameras(scene, count, WIDTH, HEIGHT, FOCAL, step_deg=12.0, seed=seed)
    photos = zip(rig.cameras, rig.cam_from_world, strict=True)
    depths = tuple(render_depth(scene, camera, pose).depth for camera, pose in photos)
    images = np.random.default_rng(seed).integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)
    return Room(name, rig, tuple(images), depths)


class KilledError(Exception):
    """Stands for whatever ends a run half-way."""


@dataclass
class LookupRegressor:
    """Exact for pairs of one room; "unrelated" for any other pair. Pauses before each pair, and stops
    after `stop_after` of them."""

    rooms: tuple[Room, ...]
    stop_after: int | None = None
    pause_s: float = 0.0
    predicted: list[Pair] = field(default_factory=list)
    name: str = "lookup"
    batch_images: int = 2
    sees_single_images: bool = False
    metric: bool = False
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(long_edge=WIDTH))

    def fingerprint(self) -> str:
        return "lookup"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return ""

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        return [{} for _ in views]

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Mapping[str, np.ndarray]],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        progress.start("Predicting", len(pairs) - len(done), "pairs")
        for pair in pairs:
            if pair in done:
                continue
            if len(self.predicted) == self.stop_after:
                raise KilledError
            time.sleep(self.pause_s)
            self.predicted.append(pair)
            yield self._prediction(views, pair)
            progress.advance()

    def _prediction(self, views: Sequence[View], pair: Pair) -> PairPrediction:
        (room_i, i), (room_j, j) = self._place(views[pair.i]), self._place(views[pair.j])
        if room_i is None or room_i is not room_j or i == j:
            return _unrelated(views, pair)
        (prediction,) = synthetic_predictions(
            [room_i.depths[i], room_i.depths[j]],
            [room_i.rig.cameras[i], room_i.rig.cameras[j]],
            room_i.rig.cam_from_world[[i, j]],
            [Pair(0, 1)],
            max_correspondences=900,
            seed=1000 * pair.i + pair.j,
        )
        return PairPrediction(
            pair,
            prediction.points_i,
            prediction.points_j,
            prediction.confidence_i,
            prediction.confidence_j,
            prediction.correspondences,
        )

    def _place(self, view: View) -> tuple[Room | None, int]:
        """By content: copies of a photo are the same place."""
        for room in self.rooms:
            for index, image in enumerate(room.images):
                if np.array_equal(image, view.image):
                    return room, index
        return None, 0


def _unrelated(views: Sequence[View], pair: Pair) -> PairPrediction:
    (size_i, size_j) = (views[index].image.shape[:2] for index in (pair.i, pair.j))
    return PairPrediction(
        pair,
        np.zeros((*size_i, 3)),
        np.zeros((*size_j, 3)),
        np.ones(size_i),
        np.ones(size_j),
        geometry=PairGeometry.UNRELATED,
    )
