"""What `dust3r-sfm view` does: reads, serves, and waits to be stopped."""

import logging
import threading
from dataclasses import replace

from dust3r_sfm.cli.options import ViewResult
from dust3r_sfm.cli.reporting import Reporter, Summary
from dust3r_sfm.viewer import Viewer, read_queries, read_viewed
from dust3r_sfm.viewer.viewer import require_viser


def run_view(command: ViewResult, reporter: Reporter) -> None:
    """Says where the page is when it is there; ends with a signal only."""
    # Before a large scene is read.
    require_viser()
    scene = read_viewed(command.out, command.images)
    if command.queries is not None:
        scene = replace(scene, queries=read_queries(command.queries))
    other = None if command.compare is None else read_viewed(command.compare)
    origins = () if command.origin is None else (command.origin,)
    # Of browsers that are gone before they are answered nobody needs to know.
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    with Viewer(command.host, command.port, origins=origins) as viewer:
        viewer.show(scene, other)
        line = f"{command.out}: look at {viewer.url} (Ctrl-C ends this)"
        reporter.conclude(Summary((line,), {"url": viewer.url}))
        threading.Event().wait()
