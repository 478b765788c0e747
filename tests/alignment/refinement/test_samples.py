"""Chunks hold what edges know: all of it, each once, and little else."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.samples import match_chunks, point_chunks

CHUNK = 200
NUM_EDGES, NUM_SAMPLES, NUM_MATCHES = 40, 50, 30


@pytest.fixture
def edges() -> Edges:
    """Edges that know from nothing to everything of their view j, and have no match up to all."""
    rng = np.random.default_rng(8)
    share = np.linspace(0.0, 1.0, NUM_EDGES)[:, None]
    tail = np.arange(NUM_EDGES) % 7
    return Edges(
        tail,
        (tail + 1) % 7,
        np.tile(np.eye(4), (NUM_EDGES, 1, 1)),
        np.ones(NUM_EDGES, dtype=bool),
        np.ones(NUM_EDGES),
        rng.uniform(1, 2, (NUM_EDGES, NUM_SAMPLES)),
        np.ones((NUM_EDGES, NUM_SAMPLES)),
        rng.normal(size=(NUM_EDGES, NUM_SAMPLES, 3)),
        np.where(
            rng.random((NUM_EDGES, NUM_SAMPLES)) < share, rng.uniform(1, 2, (NUM_EDGES, NUM_SAMPLES)), 0
        ),
        rng.uniform(0, 99, (NUM_EDGES, NUM_MATCHES, 2)),
        rng.uniform(0, 99, (NUM_EDGES, NUM_MATCHES, 2)),
        rng.uniform(1, 2, (NUM_EDGES, NUM_MATCHES)),
        1.0 * (np.arange(NUM_MATCHES) < share * NUM_MATCHES),
    )


def test_every_known_sample_is_in_one_chunk(edges):
    pixels = np.random.default_rng(9).uniform(0, 99, (7, NUM_SAMPLES, 2))
    chunks = point_chunks(edges, pixels, NUM_SAMPLES, CHUNK)
    assert sorted(np.concatenate([chunk.rows for chunk in chunks]).tolist()) == list(range(NUM_EDGES))
    weights = np.zeros_like(edges.weights_j)
    for chunk in chunks:
        at = chunk.rows[:, None], chunk.columns
        weights[at] += chunk.weights
        np.testing.assert_array_equal(chunk.points, edges.points_j[at].swapaxes(1, 2))
        own = pixels[edges.head[chunk.rows][:, None], chunk.columns]
        np.testing.assert_array_equal(chunk.pixels, own.swapaxes(1, 2))
    np.testing.assert_array_equal(weights, edges.weights_j)


def test_chunks_are_small_and_hardly_padded(edges):
    chunks = point_chunks(edges, np.zeros((7, NUM_SAMPLES, 2)), NUM_SAMPLES, CHUNK)
    assert len(chunks) > 3
    assert max(chunk.weights.size for chunk in chunks) <= 200
    padding = sum(np.count_nonzero(chunk.weights == 0) for chunk in chunks)
    assert padding < 0.25 * np.count_nonzero(edges.weights_j == 0)


def test_every_match_is_in_one_chunk_and_edges_without_one_in_none(edges):
    chunks = match_chunks(edges, NUM_MATCHES, CHUNK)
    found = np.concatenate([chunk.matches.depth_i[chunk.weights > 0] for chunk in chunks])
    np.testing.assert_array_equal(np.sort(found), np.sort(edges.match_depth_i[edges.match_weights > 0]))
    assert 0 not in np.concatenate([chunk.rows for chunk in chunks])


def test_no_matches_at_all_make_no_chunk(edges):
    assert match_chunks(replace(edges, match_weights=0.0 * edges.match_weights), NUM_MATCHES, CHUNK) == ()


def test_no_edge_has_more_than_its_share(edges):
    """And what it has is spread over all that it knows: matches stand in the order they were found in."""
    most = 7
    for chunk in point_chunks(edges, np.zeros((7, NUM_SAMPLES, 2)), most, CHUNK):
        known = (edges.weights_j[chunk.rows] > 0).sum(axis=1)
        np.testing.assert_array_equal((chunk.weights > 0).sum(axis=1), np.minimum(known, most))
    for chunk in match_chunks(edges, most, CHUNK):
        known = (edges.match_weights[chunk.rows] > 0).sum(axis=1)
        for row, count in enumerate(known.tolist()):
            taken = chunk.matches.depth_i[row, chunk.weights[row] > 0]
            columns = np.flatnonzero(np.isin(edges.match_depth_i[chunk.rows[row]], taken))
            assert len(columns) == min(count, most)
            assert np.diff([-1, *columns, count]).max() <= 2 * -(-count // most)
