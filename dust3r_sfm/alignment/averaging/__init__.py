"""Motion averaging: rotations, scales and positions of all views out of the pairs' relative poses."""
