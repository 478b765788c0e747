"""One of the two results that a page may show, in the page's frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.viewer.scene import ViewedComponent
from dust3r_sfm.viewer.upright import scale_of, shown_pose


@dataclass(frozen=True)
class Side:
    """A component, and where it stands."""

    component: ViewedComponent
    shown_from_world: Float[np.ndarray, "4 4"]
    """A similarity, to where the component stands before it is moved aside."""
    node: str
    """What all that is drawn of it hangs on: moving this moves it."""

    @property
    def cameras_node(self) -> str:
        """What all its cameras hang on."""
        return f"{self.node}/cameras"

    @property
    def scale(self) -> float:
        """Of the page's lengths, to a world unit."""
        return scale_of(self.shown_from_world)

    def shown(self, xyz: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Points below `node`, in single precision as browsers have it."""
        linear, shift = self.shown_from_world[:3, :3], self.shown_from_world[:3, 3]
        return (xyz @ linear.T.astype(xyz.dtype) + shift.astype(xyz.dtype)).astype(np.float32)

    def pose(self, photo: int) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """Axes and centre of a camera below `node`."""
        return shown_pose(self.shown_from_world, self.component.photos[photo].cam_from_world)

    def centres(self) -> Float[np.ndarray, "c 3"]:
        """Of all cameras below `node`."""
        return np.array([self.pose(photo)[1] for photo in range(len(self.component.photos))])


def wxyz_of(rotation: Float[np.ndarray, "3 3"]) -> tuple[float, float, float, float]:
    """viser's quaternions have w first."""
    from scipy.spatial.transform import Rotation

    w, x, y, z = np.roll(Rotation.from_matrix(rotation).as_quat(), 1).tolist()
    return w, x, y, z
