"""How tracks are made and adjusted, and photos registered in them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RegistrationConfig:
    """When a photo is registered by the scene's points, and when its place is doubted."""

    min_inliers: int = 16
    """Points of the scene that a view must see where they should be. (COLMAP asks for 30.)"""
    min_inlier_ratio: float = 0.25
    """Those over all that its matches say it sees."""
    max_error: float = 0.008
    """Their largest reprojection error, over the long edge of the view. (COLMAP allows 12 px at first.)"""
    max_epipolar_error: float = 0.008
    """Largest distance of a match from its epipolar line at which a pair's matches agree with the scene, over
    the long edge of the view."""
    contradiction: float = 1.5
    """Times as many matches as the weakest used pair in between, from which on a pair that disagrees is
    heeded."""
    agreeing_share: float = 0.5
    """A pair agrees with the scene if more of its matches than this lie on their epipolar lines."""
    min_solid: int = 3
    """Views held by pairs that are not planar, from which on the others are doubted."""
    self_held: int = 4
    """Views that cycles of planar pairs hold together, from which on these can hardly all be mistaken."""


@dataclass(frozen=True)
class BundleConfig:
    """Tracks and bundle adjustment. Errors are shares of the long edge of the stored photo."""

    max_error: float = 0.003
    """Largest reprojection error of an observation in the end."""
    rough_error: float = 0.02
    """Largest error of the first round, in which focals stay as they are: while poses are rough they would
    absorb the errors of these."""
    middle_errors: tuple[float, ...] = (0.01, 0.005)
    """Of the rounds after it."""
    later_errors: tuple[float, ...] = (0.005,)
    """Of the rounds for cameras that were adjusted before, to which others came."""
    rough_tolerance: float = 1e-4
    """An adjustment that another one follows at once stops when a step lowers its cost by less than this
    share."""
    settled_tolerance: float = 1e-6
    """The same of one after which views may be added."""
    final_tolerance: float = 1e-8
    """The same of the last one. Focals lie in flat valleys where cameras move forwards or see little depth:
    at 1e-6 a focal that starts 40 % off stops 15 % off."""
    loss_share: float = 0.25
    """Scale of the Cauchy loss over the round's largest error."""
    min_angle_deg: float = 1.0
    """A point seen under less is left out: its depth is a guess. (COLMAP filters at 1.5.)"""
    min_observations: int = 12
    """A view with fewer is not held by anything."""
    lens_gain: float = 200.0
    """A lens is believed where it lowers the cost by so much for each camera, in squares of the loss's scale:
    by 445 and more where photos have one, by 72 at most where they do not, or where it can hardly be told
    from the focal."""
    min_lens_observations: int = 1000
    """Observations a camera without which no lens is believed."""
    reweightings: int = 6
    """Rounds of robust triangulation from nothing."""
    further_reweightings: int = 2
    """The same from about where the points are."""
    most_steps: int = 200
    """Of an adjustment whose steps times observations stay within `most_step_observations` ..."""
    most_step_observations: int = 4_000_000
    """... and else fewer steps. What is left after these changed no figure of 233 photos."""
    least_steps: int = 50
    """But never fewer: COLMAP's own bound."""
    focal_at_rest: float = 0.02
    """Share of itself by which a focal moves that has found its place. (Photos of a kitchen: 0.01; from a
    car, where it lies in a flat valley: 0.18. Whether an adjustment reached its tolerance does not tell: in
    such a valley it may, far from the end.)"""
    enough_observations: int = 40_000
    """Observations from which on a scene is left as it is if the last adjustment hardly moved its focals.
    (Another one changes no figure of 12 and of 233 photos; it does of 51 from a car, whose focal still
    moved.)"""
    turn_error: float = 0.005
    """Median error of matches that a mere turn explains, over the view's long edge."""
    registration: RegistrationConfig = field(default_factory=RegistrationConfig)
    """When photos that fell out are registered, and which members are doubted."""
