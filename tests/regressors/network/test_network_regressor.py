"""A network through the regressor protocol says what it says alone, whatever the batches."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_networks import TINY, TINY_WITH_FEATURES, loaded, noise_views, saved_network, seeded_network

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks import Dust3r, NetworkConfig
from dust3r_sfm.networks.config import LinearHeadConfig
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.regressors.network.regressor import pair_geometry
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import Framing, ImageSpec, Pair, PairGeometry, PairPrediction, View

CONFIG = NetworkRegressorConfig("given")
MIXED = [(64, 48), (48, 64), (64, 48), (64, 64)]
ALL = [Pair(i, j) for i in range(4) for j in range(4) if i != j]


def regressor(network: NetworkConfig = TINY, config: NetworkRegressorConfig = CONFIG) -> NetworkRegressor:
    return NetworkRegressor(config, loaded(seeded_network(network)))


def predicted(
    by: NetworkRegressor, views: list[View], pairs: list[Pair], done: frozenset[Pair] = frozenset()
) -> dict[Pair, PairPrediction]:
    found = list(by.predict(views, by.encode(views), pairs, done, Silent()))
    assert len({p.pair for p in found}) == len(found)
    return {p.pair: p for p in found}


def assert_close(one: PairPrediction, other: PairPrediction, tolerance: float = 1e-4) -> None:
    for name in ("points_i", "points_j", "confidence_i", "confidence_j"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), tolerance, tolerance)


def image(view: View) -> torch.Tensor:
    return (torch.from_numpy(view.image.copy()).movedim(-1, 0)[None].float() / 255 - 0.5) / 0.5


def test_it_is_a_regressor() -> None:
    found = regressor()
    assert isinstance(found, PointmapRegressor)
    assert found.image_spec == ImageSpec(64, 16, Framing.PUBLISHED)
    assert found.sees_single_images
    assert not found.metric
    assert NetworkRegressor(CONFIG, loaded(seeded_network(replace(TINY, metric=True)))).metric


@pytest.mark.parametrize("network", [TINY, TINY_WITH_FEATURES], ids=["dust3r", "mast3r"])
def test_every_pair_is_what_the_network_says_of_its_two_images(network: NetworkConfig) -> None:
    views, pairs = noise_views(MIXED), [*ALL, Pair(1, 1)]
    found = predicted(regressor(network), views, pairs)
    assert set(found) == set(pairs)
    alone = seeded_network(network)
    for pair in pairs:
        with torch.inference_mode():
            of_i, of_j = alone(image(views[pair.i]), image(views[pair.j]))
        expected = replace(
            found[pair],
            points_i=of_i.points[0].numpy(),
            points_j=of_j.points[0].numpy(),
            confidence_i=of_i.confidence[0].numpy(),
            confidence_j=of_j.confidence[0].numpy(),
        )
        assert_close(found[pair], expected)


@pytest.mark.parametrize("network", [TINY, TINY_WITH_FEATURES], ids=["dust3r", "mast3r"])
def test_batches_make_no_difference(network: NetworkConfig) -> None:
    views = noise_views(MIXED)
    automatic = predicted(regressor(network), views, ALL)
    for size in (1, 3):
        single = predicted(regressor(network, replace(CONFIG, batch_size=size)), views, ALL)
        for pair in ALL:
            assert_close(automatic[pair], single[pair])
            assert automatic[pair].correspondences is not None


def test_done_pairs_are_left_out_and_change_nothing() -> None:
    views, done = noise_views(MIXED), frozenset(ALL[3:8])
    whole, rest = predicted(regressor(), views, ALL), predicted(regressor(), views, ALL, done)
    assert set(rest) == set(ALL) - done
    for pair, prediction in rest.items():
        np.testing.assert_array_equal(prediction.points_i, whole[pair].points_i)


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_lower_precision_says_nearly_the_same(dtype: str) -> None:
    views = noise_views(MIXED)
    exact = predicted(regressor(), views, ALL)
    lower = regressor(config=replace(CONFIG, dtype=dtype))
    encoding = lower.encode(views[:1])[0]["tokens"]
    assert encoding.dtype == np.float16
    errors = []
    for pair, prediction in predicted(lower, views, ALL).items():
        assert prediction.points_i.dtype == np.float32
        size = np.linalg.norm(exact[pair].points_i, axis=-1)
        errors.append(np.median(np.linalg.norm(prediction.points_i - exact[pair].points_i, axis=-1) / size))
    assert 1e-5 < np.max(errors) < 0.03


def test_bfloat16_tokens_survive_being_stored_as_float16() -> None:
    views = noise_views([(64, 48)])
    found = regressor(config=replace(CONFIG, dtype="bf16"))
    with torch.inference_mode():
        tokens = found._module.encode(image(views[0]))
    stored = torch.from_numpy(found.encode(views)[0]["tokens"])
    assert torch.equal(stored.bfloat16(), tokens[0])


def test_matches_are_on_pixel_centres_of_both_views() -> None:
    views = noise_views([(64, 48), (48, 64)])
    config = replace(CONFIG, matching=replace(CONFIG.matching, descriptor_confidence=0.0))
    matches = predicted(regressor(TINY_WITH_FEATURES, config), views, [Pair(0, 1)])[
        Pair(0, 1)
    ].correspondences
    assert matches is not None
    assert len(matches) > 3
    for pixels, view in ((matches.pixels_i, views[0]), (matches.pixels_j, views[1])):
        np.testing.assert_array_equal(pixels % 1, 0.5)
        assert (pixels < view.size).all()
    assert ((matches.weights > 0) & (matches.weights <= 1)).all()


class Forgetful(Dust3r):
    """Holds no more than `holds` pairs; `asked` is what was tried."""

    holds = 2

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.asked: list[int] = []

    def decode_prepared(self, prepared_i, prepared_j, grid_i, grid_j):
        self.asked.append(len(prepared_i.tokens))
        if self.asked[-1] > self.holds:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return super().decode_prepared(prepared_i, prepared_j, grid_i, grid_j)


def forgetful(holds: int) -> Forgetful:
    network = Forgetful(TINY)
    network.load_state_dict(seeded_network().state_dict())
    network.holds = holds
    return network.eval()


def test_where_memory_runs_out_batches_are_halved_and_stay_so() -> None:
    views = noise_views([(64, 48)] * 4)
    network = forgetful(holds=2)
    found = NetworkRegressor(replace(CONFIG, batch_size=8), loaded(network))
    first = predicted(found, views, ALL)
    assert network.asked == [8, 4, 2, 2, 2, 2, 2, 2]
    predicted(found, views, ALL[:4])
    assert network.asked[8:] == [2, 2]
    whole = predicted(regressor(), views, ALL)
    for pair in ALL:
        assert_close(first[pair], whole[pair])


def test_a_device_too_small_for_one_pair_is_said() -> None:
    found = NetworkRegressor(CONFIG, loaded(forgetful(holds=0)))
    with pytest.raises(InputError, match="does not hold a single pair"):
        predicted(found, noise_views([(64, 48)] * 2), [Pair(0, 1)])


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    network = seeded_network()
    del network.dec_blocks2[1]
    found = NetworkRegressor(CONFIG, loaded(network))
    with pytest.raises(ValueError, match="zip"):
        predicted(found, noise_views([(64, 48)] * 2), [Pair(0, 1)])


def test_what_is_not_finite_is_not_known() -> None:
    network = seeded_network()
    with torch.no_grad():
        network.downstream_head1.dpt.head[-1].bias[:3] = 200.0
    found = predicted(NetworkRegressor(CONFIG, loaded(network)), noise_views([(64, 48)] * 2), [Pair(0, 1)])
    np.testing.assert_array_equal(found[Pair(0, 1)].points_i, 0.0)
    np.testing.assert_array_equal(found[Pair(0, 1)].confidence_i, 1.0)
    assert found[Pair(0, 1)].confidence_j.mean() > 1.0


def test_a_pair_is_unrelated_if_nothing_of_the_second_view_is_placed() -> None:
    confidence = np.full((48, 64), 1.2, np.float32)
    assert pair_geometry(confidence, CONFIG) is PairGeometry.UNRELATED
    confidence[:8, :8] = 4.0
    assert pair_geometry(confidence, CONFIG) is PairGeometry.GENERAL


def test_the_fingerprint_is_of_all_that_predictions_depend_on_and_of_nothing_else() -> None:
    base = regressor().fingerprint()
    for same in ({"batch_size": 3}, {"token_cache": 1}):
        assert regressor(config=replace(CONFIG, **same)).fingerprint() == base
    matching = replace(CONFIG.matching, stride=4)
    for other in ({"dtype": "bf16"}, {"long_edge": 32}, {"cut_squares": True}, {"matching": matching}):
        assert regressor(config=replace(CONFIG, **other)).fingerprint() != base


def test_only_the_network_published_for_squares_is_given_squares() -> None:
    small = replace(TINY, long_edge=224)
    assert regressor(small).image_spec.framing is Framing.PUBLISHED
    assert regressor(replace(small, head=LinearHeadConfig())).image_spec.framing is Framing.SQUARE


def test_a_saved_network_is_loaded_by_its_path(tmp_path) -> None:
    path = saved_network(tmp_path / "mine.safetensors")
    found = NetworkRegressor(NetworkRegressorConfig(str(path)))
    assert found.name == "mine"
    views = noise_views([(64, 48)] * 2)
    assert_close(predicted(found, views, ALL[:1])[ALL[0]], predicted(regressor(), views, ALL[:1])[ALL[0]])


@pytest.mark.skipif(torch.cuda.is_available(), reason="cuda can be had here")
def test_a_device_that_is_not_here() -> None:
    with pytest.raises(InputError, match="--device cpu"):
        regressor(config=replace(CONFIG, device="cuda"))


COMPILED = """
import numpy as np
import torch
from seeded_networks import TINY_WITH_FEATURES, loaded, noise_views, seeded_network
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.types import Pair

whole = torch.nn.Module.compile
torch.nn.Module.compile = lambda module: whole(module, backend="eager", fullgraph=True)
views, pairs = noise_views([(64, 48), (48, 64), (64, 48)]), [Pair(0, 1), Pair(1, 0), Pair(0, 2)]
points = []
for compiled in (False, True):
    config = NetworkRegressorConfig("given", compile=compiled)
    regressor = NetworkRegressor(config, loaded(seeded_network(TINY_WITH_FEATURES)))
    found = regressor.predict(views, regressor.encode(views), pairs, frozenset(), Silent())
    points.append({prediction.pair: prediction.points_j for prediction in found})
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 3
for pair in pairs:
    np.testing.assert_allclose(points[0][pair], points[1][pair], rtol=1e-4, atol=1e-5)
"""


@pytest.mark.slow
def test_a_compiled_network_says_the_same() -> None:
    """Blocks and heads are traced whole, without a break. In a process of its own, as the type checks of
    tests cannot be traced; what a compiler's back end makes of the traces is torch's to test."""
    folders = os.pathsep.join(str(Path(__file__).parents[up]) for up in (2, 3))
    environment = {**os.environ, "PYTHONPATH": folders}
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
