"""How much the viewer shows, and how."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewerConfig:
    """Budgets of what is read, sent and drawn. Lengths are in the page's frame, where the scene has
    `radius`."""

    max_points: int = 2_000_000
    """Most points of one component that are kept: an even share of more is drawn. Browsers on laptops turn so
    many without stutter."""
    start_points: int = 300_000
    """How many are shown at first: 4.5 MB to send."""
    chunk_points: int = 100_000
    """Points a message: so many take the browser a few milliseconds, between which it still draws."""
    most_checks: int = 60_000_000
    """Points times photos up to which each point is looked for in each photo (some four seconds); of larger
    scenes each point is known to be seen by the photo it is from."""
    agreement: float = 0.02
    """Relative difference of depth within which a photo sees a point; twice what fusing allows, as that
    compares depths with each other and not with their mean."""
    picture_px: int = 640
    """Longer side of the pictures that are laid over the points."""
    thumbnail_px: int = 160
    """Longer side of the pictures within the cameras."""
    jpeg_quality: int = 85
    """Of the pictures that are kept in memory."""
    most_frustums: int = 150
    """Cameras that are each drawn with their photo; of more, all are drawn as one object without."""
    radius: float = 3.0
    """Of the scene in the page's frame; the browser's near and far planes are made for such."""
    point_size: float = 0.009
    """Of a point at first, three thousandths of the radius."""
    camera_gap: float = 0.3
    """How long cameras are drawn, of the median distance to the next one."""
    camera_sizes: tuple[float, float] = (0.04, 0.3)
    """At least and at most so long."""
    overlay_distance: float = 0.05
    """From a camera to the photo that is laid over what it sees: nearer than any point of interest, and
    beyond the browser's near plane of 0.01."""
    pick_share: float = 0.02
    """A click takes a point within this share of the picture's height."""
    pick_front: float = 0.03
    """Points at most this share farther away than the nearest one there are its surface: of those the one
    next to the click is taken."""
    residual_px: float = 2.0
    """From this median residual on, lines of pairs are red."""
    most_listed: int = 200
    """Rows of tables in the panel; what is beyond is counted."""
    render_s: float = 30.0
    """How long a browser may take for a screenshot."""
