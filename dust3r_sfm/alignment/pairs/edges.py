"""The usable pairs as arrays with one row an edge of the view graph, for everything that is solved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.pairs.relative_pose import RelativePose
from dust3r_sfm.geometry import transform_points


@dataclass(frozen=True)
class Edges:
    """Samples are padded with weight 0 (matches) or have weight 0 where unknown (pointmaps).

    `tail` is view i, `head` view j; depths and points are in camera i's frame and the edge's own
    scale; `j_from_i` likewise. `metric` edges constrain positions, others rotations only.
    """

    tail: Int[np.ndarray, " e"]
    head: Int[np.ndarray, " e"]
    j_from_i: Float[np.ndarray, "e 4 4"]
    metric: Bool[np.ndarray, " e"]
    strength: Float[np.ndarray, " e"]
    depth_i: Float[np.ndarray, "e samples"]
    weights_i: Float[np.ndarray, "e samples"]
    points_j: Float[np.ndarray, "e samples 3"]
    weights_j: Float[np.ndarray, "e samples"]
    match_pixels_i: Float[np.ndarray, "e matches 2"]
    match_pixels_j: Float[np.ndarray, "e matches 2"]
    match_depth_i: Float[np.ndarray, "e matches"]
    match_weights: Float[np.ndarray, "e matches"]

    def __len__(self) -> int:
        return len(self.tail)

    def select(self, keep: Bool[np.ndarray, " e"] | Int[np.ndarray, " _k"]) -> "Edges":
        return Edges(**{name: getattr(self, name)[keep] for name in self.__dataclass_fields__})

    @property
    def depth_j(self) -> Float[np.ndarray, "e samples"]:
        """z in camera j of its samples, in the edge's own scale, by the edge's own relative pose."""
        return transform_points(self.j_from_i, self.points_j)[..., 2]

    def thin(self, samples: int) -> "Edges":
        """With at most so many samples, the first ones (which are spread evenly too, see `sample_indices`),
        and as small a share of the matches."""
        held, matches = self.weights_j.shape[1], self.match_weights.shape[1]
        if samples >= held:
            return self
        columns = np.linspace(0, matches - 1, -(-matches * samples // held)).round().astype(np.int64)
        return replace(
            self,
            depth_i=self.depth_i[:, :samples],
            weights_i=self.weights_i[:, :samples],
            points_j=self.points_j[:, :samples],
            weights_j=self.weights_j[:, :samples],
            match_pixels_i=self.match_pixels_i[:, columns],
            match_pixels_j=self.match_pixels_j[:, columns],
            match_depth_i=self.match_depth_i[:, columns],
            match_weights=self.match_weights[:, columns],
        )


def stack_edges(poses: Sequence[RelativePose]) -> Edges:
    """One row for each pose, in their order."""
    assert poses, "an empty view graph has no edges to solve"
    most = max(len(m.summary.matches) for m in poses)
    summaries = [m.summary for m in poses]
    return Edges(
        tail=np.array([m.pair.i for m in poses]),
        head=np.array([m.pair.j for m in poses]),
        j_from_i=np.stack([m.j_from_i for m in poses]),
        metric=np.array([m.metric for m in poses]),
        strength=np.array([m.strength for m in poses]),
        depth_i=np.stack([s.depth_i for s in summaries]),
        weights_i=np.stack([s.weights_i for s in summaries]),
        points_j=np.stack([s.points_j for s in summaries]),
        weights_j=np.stack([s.weights_j for s in summaries]),
        match_pixels_i=np.stack([_pad(s.matches.pixels_i, most) for s in summaries]),
        match_pixels_j=np.stack([_pad(s.matches.pixels_j, most) for s in summaries]),
        match_depth_i=np.stack([_pad(s.match_depth_i, most) for s in summaries]),
        match_weights=np.stack([_pad(s.matches.weights, most) for s in summaries]),
    )


def _pad(values: Float[np.ndarray, "n *channels"], count: int) -> Float[np.ndarray, "count *channels"]:
    return np.concatenate([values, np.zeros((count - len(values), *values.shape[1:]))])
