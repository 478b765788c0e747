"""Photos to poses against a reference set: every stage in order, and the files that come of it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PureWindowsPath

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.images import load_view
from dust3r_sfm.images.files import find_photos
from dust3r_sfm.io.atomic import written_whole
from dust3r_sfm.io.intrinsics import Intrinsics, intrinsics_lines, named_camera
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.localization import (
    Attempt,
    DepthMap,
    LocalizationConfig,
    Localizer,
    PreparationConfig,
    Prepared,
    Reference,
    default_folder,
    prepare,
    read_reference,
)
from dust3r_sfm.localization.mapping.colmap_reference import read_colmap_set
from dust3r_sfm.localization.model_extension import extended_model
from dust3r_sfm.localization.output import diagnostics, poses_text
from dust3r_sfm.localization.pictures import match_picture
from dust3r_sfm.pipeline.output import as_output_error, check_file
from dust3r_sfm.pipeline.regressors import RegressorConfig, build_regressor
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.types import View

_SCENE = "scene.npz"
_LIST_SUFFIX = ".txt"
_SHOWN = 3
_OF_A_MODEL = re.compile(r"(cameras|images|points3D|rigs|frames)\.(bin|txt)")
_OF_PICTURES = re.compile(r"\d{5}_.*\.jpg")
"""Names of files in folders that may be replaced."""


@dataclass(frozen=True)
class LocalizeConfig:
    """All settings of localization, one dataclass a stage."""

    regressor: RegressorConfig = field(default_factory=StereoConfig)
    preparation: PreparationConfig = field(default_factory=PreparationConfig)
    localization: LocalizationConfig = field(default_factory=LocalizationConfig)


@dataclass(frozen=True)
class Queries:
    """Name -> file of the photos to localize, and what is known of their cameras."""

    files: Mapping[str, Path]
    intrinsics: Intrinsics = field(default_factory=Intrinsics)


@dataclass(frozen=True)
class Outputs:
    """What to write, as far as it is not None: the poses, a JSON of all figures, the folder of a COLMAP
    model with the photos in it, a folder of a picture a photo. Existing ones are replaced."""

    poses: Path | None = None
    diagnostics: Path | None = None
    model: Path | None = None
    pictures: Path | None = None


@dataclass(frozen=True)
class Localized:
    """`attempts`: of all photos that could be read; `unreadable`: of the others the reason."""

    attempts: tuple[Attempt, ...]
    unreadable: Mapping[str, str]

    @property
    def num_localized(self) -> int:
        return sum(attempt.localization is not None for attempt in self.attempts)


def open_reference(path: Path, images: Path | None = None) -> Reference:
    """A folder that `reconstruct` wrote, with its dense depth, or whatever `read_reference` takes. Raises
    InputError where it cannot be read or its photos are not there."""
    if not (path / _SCENE).is_file():
        return read_reference(path, images)
    scene = load_scene(path / _SCENE)
    paths = {view.name: view.path for view in scene.views if view.path is not None}
    depth = {
        view.name: DepthMap(depth, confidence, view.pixel_from_original)
        for view, depth, confidence in zip(scene.views, scene.depth, scene.confidence, strict=True)
    }
    return replace(read_colmap_set(path / "sparse" / "0", images, paths, depth), source=path)


def find_queries(queries: Path, intrinsics: Intrinsics | None = None, root: Path | None = None) -> Queries:
    """A folder of photos (with its sub-folders), one photo, or a text list: a path a line, as seen from
    `root` (or the list's folder), and behind it a camera if that is known (see `read_intrinsics`).
    Raises InputError for what is not there."""
    if queries.suffix.lower() != _LIST_SUFFIX:
        files = find_photos(queries if queries.is_dir() else [queries])
        if not files:
            raise InputError(f"{queries}: holds no photos; give a folder with some")
        return Queries(files, intrinsics or Intrinsics())
    files, cameras = {}, {}
    for line in intrinsics_lines(queries):
        found = named_camera(line)
        name = line if found is None else found[0]
        files[name] = (root or queries.parent) / name
        if found is not None:
            cameras[name] = found[1]
    if not files:
        raise InputError(f"{queries}: lists no photos; write a path a line")
    given = intrinsics or Intrinsics()
    return Queries(files, replace(given, by_name={**cameras, **given.by_name}))


def prepare_reference(
    reference: Reference, config: LocalizeConfig, folder: Path | None, progress: Progress
) -> Path:
    """Prepares only; the folder where it is kept. Raises as `prepare` does."""
    return _prepared_localizer(reference, config, folder, progress).prepared.store.folder


def _prepared_localizer(
    reference: Reference, config: LocalizeConfig, folder: Path | None, progress: Progress
) -> Localizer:
    # Plain features are the same whether or not others are matched besides: they are kept in one place.
    plain = config.regressor
    if isinstance(plain, StereoConfig):
        plain = replace(plain, keypoints="sift")
    regressor = build_regressor(plain)
    folder = folder or default_folder(reference, regressor)
    prepared = prepare(reference, regressor, folder, config.preparation, progress=progress)
    whole = regressor if plain == config.regressor else build_regressor(config.regressor)
    localizer = Localizer(prepared, whole, config.localization)
    localizer.prepare_stronger(progress)
    return localizer


def localize_photos(
    reference: Reference,
    queries: Queries,
    config: LocalizeConfig | None = None,
    folder: Path | None = None,
    outputs: Outputs | None = None,
    progress: Progress | None = None,
    pairs: Mapping[str, Sequence[str]] | None = None,
) -> Localized:
    """Places every photo that can be placed, and writes `outputs`. `folder`: of the preparation, which is
    made where it is not there. `pairs`: for some photos the references to compare them with.

    Stages on `progress`: those of `prepare`, then "Localizing" in photos. Raises InputError (a reference
    set or regressor that cannot be used, no photos, or none that can be read: `outputs.diagnostics` is
    written all the same), OutputError (a folder that cannot be written).
    """
    config, outputs, progress = config or LocalizeConfig(), outputs or Outputs(), progress or Silent()
    if not queries.files:
        raise InputError("there is no photo to localize; give one at least")
    _check_outputs(outputs)
    localizer = _prepared_localizer(reference, config, folder, progress)
    with _written_folder(outputs.pictures, _OF_PICTURES) as pictures:
        localized = _attempted(localizer, queries, pairs or {}, pictures, progress)
        if not localized.attempts:
            _write_diagnostics(localized, outputs)
            raise InputError(_none_readable(localized.unreadable))
    _write(localized, reference, localizer.prepared, outputs)
    return localized


def _attempted(
    localizer: Localizer,
    queries: Queries,
    pairs: Mapping[str, Sequence[str]],
    pictures: Path | None,
    progress: Progress,
) -> Localized:
    attempts: list[Attempt] = []
    unreadable: dict[str, str] = {}
    progress.start("Localizing", len(queries.files), "photos")
    for name, path in queries.files.items():
        try:
            view = replace(load_view(path, localizer.image_spec), name=name)
            camera = queries.intrinsics.camera(name, view.original_size)
            attempt = localizer.attempt(view, camera, pairs.get(name))
        except InputError as error:
            unreadable[name] = str(error)
        else:
            attempts.append(attempt)
            if pictures is not None:
                _draw(attempts[-1], view, localizer.prepared, pictures / _picture_name(len(attempts), name))
        progress.advance()
    return Localized(tuple(attempts), unreadable)


def _none_readable(unreadable: Mapping[str, str]) -> str:
    shown = "; ".join(list(unreadable.values())[:_SHOWN])
    return (
        f"none of {len(unreadable)} photos can be used: {shown}{'; ...' if len(unreadable) > _SHOWN else ''}"
    )


def _draw(attempt: Attempt, view: View, prepared: Prepared, file: Path) -> None:
    with as_output_error(file):
        match_picture(attempt, view, prepared).save(file, quality=90)


def _picture_name(number: int, name: str) -> str:
    """Flat: a name in a list may lead anywhere."""
    return f"{number:05d}_{PureWindowsPath(name).name}.jpg"


@contextmanager
def _written_folder(target: Path | None, ours: re.Pattern[str]) -> Iterator[Path | None]:
    """A folder that appears, or is replaced, when the block ends well; None stays None."""
    if target is None:
        yield None
        return
    _check_ours(target, ours)
    with as_output_error(target), written_whole(target, replace=True) as partial:
        partial.mkdir()
        yield partial


def _check_ours(target: Path | None, ours: re.Pattern[str]) -> None:
    """Refuses a folder that holds what a former run of the same kind cannot have written."""
    held = sorted(path.name for path in target.iterdir()) if target is not None and target.is_dir() else []
    if strange := next((name for name in held if not ours.fullmatch(name)), None):
        raise OutputError(f"{target}: holds {strange}, which would be deleted; choose another folder")


def _check_outputs(outputs: Outputs) -> None:
    """Raises OutputError for what can be known before any work."""
    for file in (outputs.poses, outputs.diagnostics):
        if file is not None:
            check_file(file)
    _check_ours(outputs.model, _OF_A_MODEL)
    _check_ours(outputs.pictures, _OF_PICTURES)


def _write(localized: Localized, reference: Reference, prepared: Prepared, outputs: Outputs) -> None:
    attempts = localized.attempts
    _write_diagnostics(localized, outputs)
    if outputs.poses is not None:
        _write_text(outputs.poses, poses_text(attempts))
    # Last, as it reads the reference photos again, which may be gone by now.
    if outputs.model is not None and localized.num_localized:
        model = extended_model(reference, prepared, attempts)
        with _written_folder(outputs.model, _OF_A_MODEL) as folder:
            model.write_binary(str(folder))


def _write_diagnostics(localized: Localized, outputs: Outputs) -> None:
    if outputs.diagnostics is not None:
        facts = diagnostics(localized.attempts, dict(localized.unreadable))
        _write_text(outputs.diagnostics, json.dumps(facts, indent=1, allow_nan=False) + "\n")


def _write_text(file: Path, text: str) -> None:
    with as_output_error(file), written_whole(file, replace=True) as partial:
        partial.write_text(text, encoding="utf-8")
