"""A page in the browser that takes photos and shows what comes of them: `dust3r-sfm demo` (extra `demo`).

Every run is a process of its own, of the command line; its progress is `--progress json`.
"""
