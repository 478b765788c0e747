"""hloc's file layout (Sarlin et al. 2019, Hierarchical-Localization): a pairs file in, a poses file out.

from dust3r_sfm_hloc import main
main(reference_sfm, images, queries, retrieval, results)
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.text_files import numbered_lines
from dust3r_sfm.localization import read_reference
from dust3r_sfm.localization.output import poses_text
from dust3r_sfm.pipeline.localization import (
    LocalizeConfig,
    Localized,
    find_queries,
    localize_photos,
)
from dust3r_sfm.progress import Progress


def main(
    reference_sfm: Path,
    images: Path,
    queries: Path,
    retrieval: Path | None,
    results: Path,
    prepend_camera_name: bool = False,
    config: LocalizeConfig | None = None,
    prepared: Path | None = None,
    progress: Progress | None = None,
) -> Localized:
    """Writes `results`: a line `name qw qx qy qz tx ty tz` a localized query, where name is the file's own,
    with `prepend_camera_name` its folder's before it, as hloc's evaluation scripts want them.

    `reference_sfm`: a COLMAP model; `images`: the folder that its photos and the queries are named from.
    `queries`: a list with intrinsics, `name MODEL width height params...` a line. `retrieval`: `query
    reference` a line; None, or a query that is not in it: those that look most like it. `prepared`: where
    the references are kept ready, by default beside the model.
    Raises InputError and OutputError, as `localize_photos`, and where two queries have one name in `results`.
    """
    pairs = None if retrieval is None else read_pairs(retrieval)
    asked = find_queries(queries, root=images)
    names = {query: result_name(query, prepend_camera_name) for query in asked.files}
    _check_distinct(names)
    reference = read_reference(reference_sfm, images)
    localized = localize_photos(reference, asked, config, prepared, progress=progress, pairs=pairs)
    try:
        with write_atomically(results, replace=True) as partial:
            partial.write_text(poses_text(localized.attempts, names), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{results}: cannot be written ({error.strerror}); choose another file") from error
    return localized


def read_pairs(file: Path) -> dict[str, list[str]]:
    """References by query, in the order of the file. Raises InputError for a line that is no pair."""
    pairs: dict[str, list[str]] = {}
    for _, line in numbered_lines(file):
        words = line.split()
        if len(words) != 2:
            raise InputError(f"{file}: {line!r} is not a pair; write the query's name and a reference's")
        pairs.setdefault(words[0], []).append(words[1])
    return pairs


def result_name(query: str, prepend_camera_name: bool) -> str:
    path = PurePosixPath(query)
    return f"{path.parent.name}/{path.name}" if prepend_camera_name else path.name


def _check_distinct(names: Mapping[str, str]) -> None:
    first: dict[str, str] = {}
    for query, name in names.items():
        if first.setdefault(name, query) != query:
            raise InputError(
                f"queries {first[name]} and {query} would both be called {name} in the results; "
                "ask for prepend_camera_name, or localize them apart"
            )
