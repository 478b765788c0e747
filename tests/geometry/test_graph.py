"""What holds a graph together, on graphs that can be drawn."""

import numpy as np

from dust3r_sfm.geometry.graph import label_two_edge_components


def test_blocks_are_what_no_single_pair_holds():
    triangles = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
    tail, head = np.array([*triangles, (2, 3), (3, 2), (5, 6)]).T
    labels = label_two_edge_components(tail, head, 9)
    assert len(set(labels[:3])) == len(set(labels[3:6])) == 1
    assert len(set(labels[[0, 3, 6, 7, 8]])) == 5
    tail, head = np.array([*triangles, (2, 3), (0, 4)]).T
    assert len(set(label_two_edge_components(tail, head, 6))) == 1


def test_blocks_of_a_cycle_and_of_a_chain():
    around = np.arange(7), np.roll(np.arange(7), -1)
    assert len(set(label_two_edge_components(*around, 7))) == 1
    assert len(set(label_two_edge_components(around[0][:-1], around[1][:-1], 7))) == 7
