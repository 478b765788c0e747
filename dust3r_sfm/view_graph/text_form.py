"""The configs as they are written on a command line."""

import re
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.view_graph.config import (
    Automatic,
    Complete,
    GraphConfig,
    LogWindow,
    OneReference,
    PairsFile,
    Retrieval,
    SlidingWindow,
)

_GRAPH_FORMS = (
    "auto, complete, swin-5, logwin-3 (either with -noncyclic), oneref-0, retrieval-8, or a pairs file"
)
_WINDOW_FORM = re.compile(r"(swin|logwin)(?:-([0-9]{1,6}))?(-noncyclic)?")
_RETRIEVAL_FORM = re.compile(r"retrieval(?:-([0-9]{1,6}))?")
_REFERENCE_FORM = re.compile(r"oneref(?:-([0-9]{1,6}))?")


def parse_graph(text: str) -> GraphConfig:
    """The config meant by its command-line form: `auto`, `complete`, `swin-5`, `swin-5-noncyclic`,
    `logwin-3`, `logwin-3-noncyclic`, `oneref-0`, `retrieval-8`, or the path of a pairs file.

    The number may be left out (3 for windows, 0 for the reference, 8 for retrieval). A file whose
    name is one of these words is meant by `./complete`. Raises InputError for anything else.
    """
    if text == "auto":
        return Automatic()
    if text == "complete":
        return Complete()
    if window := _WINDOW_FORM.fullmatch(text):
        kind = SlidingWindow if window[1] == "swin" else LogWindow
        return kind(size=int(window[2] or kind.size), cyclic=window[3] is None)
    if reference := _REFERENCE_FORM.fullmatch(text):
        return OneReference(int(reference[1] or OneReference.index))
    if retrieval := _RETRIEVAL_FORM.fullmatch(text):
        return Retrieval(int(retrieval[1] or Retrieval.size))
    if Path(text).is_file():
        return PairsFile(Path(text))
    raise InputError(f"--pairs {text}: neither a known form nor a file; use {_GRAPH_FORMS}.")
