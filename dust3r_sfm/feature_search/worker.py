"""The process that searches pictures: tasks come by its standard input, answers go by its standard output.

It ends when the input does, and so with whoever started it, however that ends.
"""

import os
import signal
import sys
from contextlib import suppress

import pycolmap

from dust3r_sfm.feature_search.messages import read_message, write_message
from dust3r_sfm.feature_search.search import Search, SearchSettings


def serve() -> None:
    """Answers until there are no more tasks."""
    # Ctrl-C reaches all processes of a terminal: the one that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Importing pycolmap makes SIGTERM print a native stack.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not get among the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        searches: dict[SearchSettings, Search] = {}
        while (task := read_message(sys.stdin.buffer)) is not None:
            wanted, (gray,) = task
            settings = SearchSettings(**wanted)
            try:
                if settings not in searches:
                    searches = {settings: Search(settings)}
                found = searches[settings].search(gray)
            except (RuntimeError, ValueError, MemoryError) as error:
                write_message(answers, {"error": f"{type(error).__name__}: {error}"})
            else:
                write_message(answers, {}, found)
