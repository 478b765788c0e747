"""Where the photos of a posed set lie."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from dust3r_sfm.errors import InputError

_ABOVE_MODEL = 3
"""How far above a model its images/ is looked for: OUT/colmap/sparse/0 has it in OUT."""


def find_listed_photos(
    names: Sequence[str], model: Path, images: Path | None, known: Mapping[str, Path]
) -> tuple[dict[str, Path], dict[str, str]]:
    """Name -> file, and for those without one the reason. Looks at the paths in `known`, then in `images`,
    or if that is None in the folders images/ beside and above `model`, and in these folders themselves.

    Raises InputError where no photo at all is found.
    """
    roots = _roots(model) if images is None else [images]
    root = next((r for r in roots if any((r / name).is_file() for name in names)), None)
    found: dict[str, Path] = {}
    alone = Counter(PurePosixPath(name).name for name in names)
    for name in names:
        file_name = PurePosixPath(name).name
        candidates = [] if root is None else [root / name]
        # Photos that were copied out of their folders: unless it may be another folder's of the same name.
        if root is not None and alone[file_name] == 1:
            candidates.append(root / file_name)
        if images is None and name in known:
            candidates.insert(0, known[name])
        path = next((path for path in candidates if path.is_file()), None)
        if path is not None:
            found[name] = path
    if not found:
        example = names[0] if names else "none"
        places = ", ".join(str(r) for r in roots)
        raise InputError(
            f"{model}: none of its {len(names)} photos (such as {example}) was found in {places}; "
            "say where they are with --images"
        )
    where = images or root or model
    return found, {name: f"no such file below {where}" for name in names if name not in found}


def _roots(model: Path) -> list[Path]:
    folders = [model, *list(model.absolute().parents)[:_ABOVE_MODEL]]
    return [folder / "images" for folder in folders] + folders
