"""Which results that lie on a disk today's code would give again."""

RESULTS_VERSION = 9
"""Part of the name of all that is kept for later runs: encodings, matches, measurements of pairs, reference
maps. Settings and weights are in these names besides, so a changed setting needs nothing here. To be raised
when code changes such that the same photos and settings give other numbers; `tests/test_results_version.py`
fails when that happens, and says so."""
