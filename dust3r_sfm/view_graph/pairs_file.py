"""The pairs that a text file lists, as COLMAP and hloc write them."""

import re
from collections.abc import Sequence
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.text_files import numbered_lines
from dust3r_sfm.types import Pair

_NAME = re.compile(r'"([^"]+)"|(\S+)')


def read_pairs_file(path: Path, names: Sequence[str]) -> list[Pair]:
    """In the order and the directions of the file. Raises InputError for a file that lists none, or what is
    no pair of the photos called `names`."""
    index = {name: i for i, name in enumerate(names)}
    pairs = []
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        first, second = _two_names(line, where)
        for name in (first, second):
            if name not in index:
                raise InputError(f"{where}: no photo that could be read is called '{name}'; mend the name.")
        if first == second:
            raise InputError(f"{where}: '{first}' is paired with itself; remove the line.")
        pairs.append(Pair(index[first], index[second]))
    if not pairs:
        raise InputError(f"{path}: lists no pairs; write two photo names a line.")
    return pairs


def _two_names(line: str, where: str) -> tuple[str, str]:
    if "\t" in line:
        fields = [field.strip() for field in line.strip().split("\t")]
    else:
        fields = [quoted or plain for quoted, plain in _NAME.findall(line)]
    if len(fields) != 2:
        raise InputError(
            f"{where}: {len(fields)} names instead of 2; quote names with spaces, or separate by a tab."
        )
    return fields[0], fields[1]
