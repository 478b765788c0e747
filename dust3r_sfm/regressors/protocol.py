"""What every pointmap regressor offers to inference."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.progress import Progress
from dust3r_sfm.types import ImageSpec, Pair, PairPrediction, View

Encoding = Mapping[str, np.ndarray]
"""What a regressor keeps of one image, as named arrays: booleans, integers or floats, as they are kept in
files without pickle."""


@runtime_checkable
class Notebook(Protocol):
    """Where a regressor keeps what took it long and what a run that is taken up again would want back: named
    arrays about some views (by index, in an order that matters)."""

    def read(self, what: str, views: tuple[int, ...]) -> Encoding | None:
        """None where nothing was kept under this name, or not of views with this content."""
        ...

    def write(self, what: str, views: tuple[int, ...], arrays: Encoding) -> None: ...


class NoNotebook:
    """Nothing is kept."""

    def read(self, what: str, views: tuple[int, ...]) -> Encoding | None:
        return None

    def write(self, what: str, views: tuple[int, ...], arrays: Encoding) -> None:
        pass


@runtime_checkable
class PointmapRegressor(Protocol):
    """Two images in, two pointmaps in the first camera's frame out."""

    @property
    def name(self) -> str: ...

    @property
    def image_spec(self) -> ImageSpec: ...

    def fingerprint(self) -> str:
        """Names everything besides the photos that predictions depend on (config, weights): cached
        results of another fingerprint are not reused."""
        ...

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        """Names all that the prediction of a pair depends on beyond the fingerprint and what its two views
        show: where focals are found from all pairs together, all pairs. Empty if there is nothing. Cached
        results under another such name are not reused."""
        ...

    @property
    def batch_images(self) -> int:
        """How many images `encode` is best given at once."""
        ...

    @property
    def metric(self) -> bool:
        """Whether points are in metres, so far as it can tell."""
        ...

    @property
    def sees_single_images(self) -> bool:
        """Whether `predict` takes a pair of a view with itself, and knows its depth by looking at it.
        Where this is False such a pair must not be asked for: it has no parallax."""
        ...

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        """The per-image work, done once however many pairs an image is in."""
        ...

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Encoding],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        """Predictions for `pairs` less those in `done`, in an order of the regressor's choosing.

        `encodings[k]` may come from disk each time it is asked for: only the last used are in memory. So
        hold no more of them than are needed at once, and go through pairs such that neighbours in the
        order share images. Every prediction is reduced before the next is asked for.

        All pairs are handed over at once, so that what is shared between them (a self-calibrated
        focal, a batch) can be. `done` pairs still count as evidence: a resumed run
        predicts what an undisturbed one would have. `notebook`: where to keep what it needs for that and
        what would take long to find again; None: nowhere.
        """
        ...


@runtime_checkable
class HasQuickWay(Protocol):
    """What a regressor may offer besides that takes long over photos that are hard to match."""

    @property
    def quick(self) -> PointmapRegressor | None:
        """The same with the same encodings, less what it does for such photos alone: for sets that have none
        this is enough. None where it does nothing of the kind."""
        ...

    @property
    def most_more_s(self) -> float:
        """Seconds on two CPU cores that `more_closely` is expected to add at most."""
        ...

    def more_closely(self, placed: tuple[int, ...]) -> PointmapRegressor:
        """The same for views of which the quick way has placed those together that have equal numbers: what
        takes long is done between these groups only."""
        ...


@runtime_checkable
class EncodesOneByOne(Protocol):
    """What a regressor may offer besides that takes long over one image."""

    def encode_each(self, views: Sequence[View]) -> Iterator[tuple[int, Encoding]]:
        """What `encode` gives, in any order and as soon as it is there: a view's number, and its encoding."""
        ...


@runtime_checkable
class DescribesImages(Protocol):
    """What a regressor may offer besides, for photos to be found by their looks."""

    def local_descriptors(self, encoding: Encoding) -> Float[np.ndarray, "n d"]:
        """What is seen at places of one image, any number of them and in any order. The more alike two
        places look, the smaller their Euclidean distance."""
        ...


@runtime_checkable
class MatchesFeatures(Protocol):
    """What a regressor may offer besides, for photos to be placed by features that keep their places from
    one pair to the next."""

    def feature_pixels(self, encoding: Encoding) -> Float[np.ndarray, "n 2"]:
        """Continuous view pixels of the features of one image, in an order of its own."""
        ...

    def match_features(self, encoding_i: Encoding, encoding_j: Encoding) -> Int[np.ndarray, "k 2"]:
        """Which feature of one image (its number in image i, in image j) shows the same place as which of
        the other, by their looks alone. A feature is matched at most once; several may be in one place."""
        ...


@runtime_checkable
class EncodesFeatures(MatchesFeatures, Protocol):
    """Features that a regressor has beside those it encodes, for photos that these do not place."""

    def fingerprint(self) -> str:
        """Names everything besides the photos that features and matches depend on."""
        ...

    def encode(self, views: Sequence[View]) -> list[Encoding]: ...


@runtime_checkable
class HasStrongerFeatures(Protocol):
    """What a regressor that `MatchesFeatures` may offer besides."""

    @property
    def stronger_features(self) -> EncodesFeatures | None:
        """Slower to find and surer to match; None where they are not to be had or not wanted."""
        ...

    @property
    def always_stronger(self) -> bool:
        """Whether they are wanted for all photos, and not only where plain ones do not suffice."""
        ...
