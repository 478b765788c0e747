import numpy as np
import pytest

from dust3r_sfm.alignment.averaging.robust_graph import DENSE_NODES, robust_differences, solve_differences


def complete(n):
    return np.array([(i, j) for i in range(n) for j in range(n) if i < j]).T


@pytest.mark.parametrize("count", [6, DENSE_NODES + 3])
def test_exact_differences_give_the_values(count):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((count, 3))
    tail, head = complete(count)
    weights = rng.uniform(0.1, 2.0, len(tail))
    found = solve_differences(tail, head, values[head] - values[tail], weights, count)
    np.testing.assert_allclose(found, values - values[0], atol=1e-10)


def test_dense_and_sparse_agree_on_contradicting_differences():
    """A pendant node more makes the same problem a sparse one."""
    rng = np.random.default_rng(2)
    tail, head = complete(DENSE_NODES)
    differences, weights = rng.standard_normal((len(tail), 2)), rng.uniform(0.1, 2.0, len(tail))
    dense = solve_differences(tail, head, differences, weights, DENSE_NODES)
    longer = solve_differences(
        np.append(tail, 0),
        np.append(head, DENSE_NODES),
        np.append(differences, [[1.0, 1.0]], axis=0),
        np.append(weights, 1.0),
        DENSE_NODES + 1,
    )
    np.testing.assert_allclose(dense, longer[:-1], atol=1e-9)


def test_a_triangle_shares_its_error_equally():
    found = solve_differences(
        np.array([0, 1, 2]), np.array([1, 2, 0]), np.array([[1.0], [1.0], [-1.7]]), np.ones(3), 3
    )
    np.testing.assert_allclose(found[:, 0], [0.0, 0.9, 1.8], atol=1e-9)


def test_a_quarter_of_gross_errors_does_not_matter():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((9, 3))
    tail, head = complete(9)
    differences = values[head] - values[tail]
    differences[::4] += rng.uniform(2, 5, differences[::4].shape)
    ones = np.ones(len(tail))
    found, residual = robust_differences(tail, head, differences, ones, 9, ones, 1e-6)
    np.testing.assert_allclose(found, values - values[0], atol=1e-4)
    assert (residual[::4] > 1).all()
