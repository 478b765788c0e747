"""Matches for the pairs that SIFT alone leaves apart: learned keypoints, or affine SIFT."""
