"""A two-view network behind the regressor protocol.

Cost: one encoder pass an image, one decoder pass a directed pair. What decoding does for one image whatever
the other is done when the image is loaded. Predictions leave in batches; what stays is the network,
`token_cache` bytes of images ready to be decoded, and one batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np
import torch
from jaxtyping import Float

from dust3r_sfm.io.results_version import RESULTS_VERSION
from dust3r_sfm.matching import match_descriptor_maps, match_pointmaps
from dust3r_sfm.networks import ViewOutput
from dust3r_sfm.networks.checkpoints import LoadedNetwork, load_network
from dust3r_sfm.networks.config import LinearHeadConfig
from dust3r_sfm.networks.dust3r import Prepared
from dust3r_sfm.networks.rotary import Grid
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.network.batching import BatchSize, in_batches
from dust3r_sfm.regressors.network.config import SAME_PREDICTIONS, NetworkRegressorConfig
from dust3r_sfm.regressors.network.on_device import check_device, full_float32, place_on_device, torch_dtype
from dust3r_sfm.regressors.network.pixel_grid import view_from_network
from dust3r_sfm.regressors.network.schedule import DeviceCache, pairs_by_shape
from dust3r_sfm.regressors.protocol import Encoding, Notebook
from dust3r_sfm.types import (
    ConfidenceArray,
    Correspondences,
    Framing,
    ImageSpec,
    Pair,
    PairGeometry,
    PairPrediction,
    View,
)

SQUARE_LONG_EDGE = 224
"""The one network published for squares alone has this size, and a linear head."""
CPU_PIXELS_AT_ONCE = 400_000
"""Of view i in a batch on a CPU: nobody says there when memory runs low, and more is hardly faster."""
ImageInRole = tuple[int, int]
"""A view's index, and 0 where it is the first of its pair or 1 where it is the second."""
START_ON_DEVICE, MOST_AT_ONCE = 4, 64
"""Pairs at once on an accelerator: the first try, and where no more is gained."""


class NetworkRegressor:
    """See `NetworkRegressorConfig`; implements `PointmapRegressor`. `metric`: points are in metres."""

    sees_single_images = True

    def __init__(self, config: NetworkRegressorConfig, loaded: LoadedNetwork | None = None) -> None:
        """Loads `config.source` unless it is given `loaded`, which it converts in place. Raises InputError
        for a network that cannot be loaded or a device that is not there."""
        check_device(config.device)
        self.config = config
        loaded = load_network(config.source) if loaded is None else loaded
        self.name, self.metric = loaded.name, loaded.metric
        self._network_config, self._weights = loaded.config, loaded.fingerprint
        self.image_spec = _image_spec(config, loaded)
        self._module = place_on_device(loaded.module, config)
        self._encode_size, self._decode_size = self._batch_size(), self._batch_size()

    @property
    def batch_images(self) -> int:
        return max(self._encode_size.current, START_ON_DEVICE)

    def fingerprint(self) -> str:
        chosen = {name: value for name, value in asdict(self.config).items() if name not in SAME_PREDICTIONS}
        return f"network {RESULTS_VERSION} {self._weights} {self.image_spec} {chosen}"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return ""

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        """Tokens as float16 where the network runs in 16 bits: bfloat16, which numpy lacks, loses nothing
        in it, as tokens are normalised and far from both of its ends."""
        found: dict[int, Encoding] = {}
        by_shape: dict[tuple[int, int], list[int]] = {}
        for index, view in enumerate(views):
            by_shape.setdefault(view.size, []).append(index)
        for indices in by_shape.values():
            tokens = in_batches(indices, self._encode_size, partial(self._tokens, views))
            found |= {index: {"tokens": one} for index, one in zip(indices, tokens, strict=True)}
        return [found[index] for index in range(len(views))]

    def local_descriptors(self, encoding: Encoding) -> Float[np.ndarray, "n d"]:
        """The encoder's tokens, one a patch. Implements `DescribesImages`."""
        return encoding["tokens"].astype(np.float32)

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Encoding],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        """In batches of equal shapes, formed of all pairs: a resumed run has the same ones."""
        progress.start("Predicting", len(pairs), "pairs")
        cache = DeviceCache(self.config.token_cache, partial(self._prepare, views, encodings))
        for group in pairs_by_shape(views, pairs, self._images_in_cache(views, cache)):
            run = partial(self._decode, views, cache, done)
            for prediction in in_batches(group, self._decode_size, run):
                if prediction is not None:
                    yield prediction
                progress.advance()

    def _batch_size(self) -> BatchSize:
        config = self.config
        if config.batch_size is not None:
            return BatchSize(config.batch_size, config.batch_size)
        if config.device == "cpu":
            at_once = max(1, CPU_PIXELS_AT_ONCE // self.image_spec.long_edge**2)
            return BatchSize(at_once, at_once)
        return BatchSize(START_ON_DEVICE, MOST_AT_ONCE)

    def _images_in_cache(self, views: Sequence[View], cache: DeviceCache[ImageInRole, Prepared]) -> int:
        """How many of the largest image, in both roles."""
        largest = max(range(len(views)), key=lambda k: views[k].size[0] * views[k].size[1])
        return self.config.token_cache // (cache[largest, 0].nbytes + cache[largest, 1].nbytes)

    def _tokens(self, views: Sequence[View], indices: Sequence[int]) -> list[np.ndarray]:
        """Of views of equal shape."""
        images = torch.from_numpy(np.stack([views[k].image for k in indices])).to(self.config.device)
        with torch.inference_mode(), full_float32(self.config):
            tokens = self._module.encode((images.movedim(-1, 1).float() / 255 - 0.5) / 0.5)
        stored = torch.float32 if self.config.dtype == "fp32" else torch.float16
        return list(tokens.to(stored).cpu().numpy())

    def _prepare(self, views: Sequence[View], encodings: Sequence[Encoding], image: ImageInRole) -> Prepared:
        index, role = image
        tokens = torch.from_numpy(encodings[index]["tokens"][None])
        tokens = tokens.to(self.config.device, torch_dtype(self.config.dtype))
        with torch.inference_mode(), full_float32(self.config):
            return self._module.prepare(role, tokens, self._grid(views[index]))

    def _decode(
        self,
        views: Sequence[View],
        cache: DeviceCache[ImageInRole, Prepared],
        done: frozenset[Pair],
        pairs: Sequence[Pair],
    ) -> list[PairPrediction | None]:
        """Predictions of pairs of equal shapes, None for those that are done."""
        if done.issuperset(pairs):
            return [None] * len(pairs)
        with torch.inference_mode(), full_float32(self.config):
            first = Prepared.join([cache[pair.i, 0] for pair in pairs])
            second = Prepared.join([cache[pair.j, 1] for pair in pairs])
            grids = self._grid(views[pairs[0].i]), self._grid(views[pairs[0].j])
            outputs = self._module.decode_prepared(first, second, *grids)
            both = [output.map_tensors(torch.Tensor.float) for output in outputs]
            return [
                None if pair in done else self._prediction(views[pair.i], pair, *(_only(k, o) for o in both))
                for k, pair in enumerate(pairs)
            ]

    def _grid(self, view: View) -> Grid:
        patch = self._network_config.patch_size
        return view.size[1] // patch, view.size[0] // patch

    def _prediction(self, view_i: View, pair: Pair, of_i: ViewOutput, of_j: ViewOutput) -> PairPrediction:
        matches = self._matches(of_i, of_j)
        (points_i, confidence_i), (points_j, confidence_j) = _arrays(of_i), _arrays(of_j)
        pixel_centre = self._network_config.first_pixel_centre
        turn = view_from_network(view_i, points_i, confidence_i, pixel_centre, self.config.axis).astype(
            np.float32
        )
        geometry = pair_geometry(confidence_j, self.config)
        turned = points_i @ turn.T, points_j @ turn.T
        return PairPrediction(pair, *turned, confidence_i, confidence_j, matches, geometry)

    def _matches(self, of_i: ViewOutput, of_j: ViewOutput) -> Correspondences:
        config = self.config.matching
        points, confidences = (of_i.points[0], of_j.points[0]), (of_i.confidence[0], of_j.confidence[0])
        if of_i.descriptors is None or of_j.descriptors is None:
            return match_pointmaps(*points, *confidences, config)
        if of_i.descriptor_confidence is not None and of_j.descriptor_confidence is not None:
            confidences = of_i.descriptor_confidence[0], of_j.descriptor_confidence[0]
        return match_descriptor_maps(of_i.descriptors[0], of_j.descriptors[0], *confidences, config)


def pair_geometry(confidence_j: ConfidenceArray, config: NetworkRegressorConfig) -> PairGeometry:
    """UNRELATED if next to nothing of view j was placed in view i's frame with any confidence; else
    GENERAL. A network knows depth without parallax, so turns on the spot and planes are nothing special.
    View i's confidence tells nothing of the pair: a network is sure of it from that image alone."""
    share = float(np.mean(confidence_j > config.related_confidence))
    return PairGeometry.GENERAL if share >= config.related_share else PairGeometry.UNRELATED


def _image_spec(config: NetworkRegressorConfig, loaded: LoadedNetwork) -> ImageSpec:
    network = loaded.config
    for_squares = network.long_edge == SQUARE_LONG_EDGE and isinstance(network.head, LinearHeadConfig)
    return ImageSpec(
        network.long_edge if config.long_edge is None else config.long_edge,
        network.patch_size,
        Framing.SQUARE if for_squares else Framing.PUBLISHED,
        config.cut_squares,
    )


def _only(index: int, output: ViewOutput) -> ViewOutput:
    """One of a batch, as a batch of one."""
    return output.map_tensors(lambda maps: maps[index : index + 1])


def _arrays(output: ViewOutput) -> tuple[Float[np.ndarray, "h w 3"], ConfidenceArray]:
    """Of a batch of one, on the CPU; where a number is not finite nothing is known."""
    points, confidence = output.points[0], output.confidence[0]
    known = torch.isfinite(points).all(dim=-1) & torch.isfinite(confidence)
    points = torch.where(known[..., None], points, 0.0)
    return points.cpu().numpy(), torch.where(known, confidence, 1.0).cpu().numpy()
