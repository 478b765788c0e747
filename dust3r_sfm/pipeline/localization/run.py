"""Photos to poses against a reference set: every stage in order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import load_view
from dust3r_sfm.localization import Attempt, Localizer, Reference, default_folder, prepare
from dust3r_sfm.pipeline.localization.choices import Outputs
from dust3r_sfm.pipeline.localization.config import LocalizeConfig
from dust3r_sfm.pipeline.localization.inputs import Queries
from dust3r_sfm.pipeline.localization.outputs import (
    Localized,
    check_outputs,
    draw_picture,
    pictures_folder,
    write_diagnostics,
    write_outputs,
)
from dust3r_sfm.pipeline.regressors import build_regressor, fetch_regressor
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.stereo import StereoConfig

_SHOWN = 3


def prepare_reference(
    reference: Reference,
    config: LocalizeConfig | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Prepares only; the folder where it is kept. Raises as `prepare` does."""
    localizer = _prepare_localizer(reference, config or LocalizeConfig(), folder, progress or Silent())
    return localizer.prepared.store.folder


def _prepare_localizer(
    reference: Reference, config: LocalizeConfig, folder: Path | None, progress: Progress
) -> Localizer:
    # Plain features are the same whether or not others are matched besides: they are kept in one place.
    plain = config.regressor
    if isinstance(plain, StereoConfig):
        plain = replace(plain, keypoints="sift")
    fetch_regressor(plain, progress)
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
    check_outputs(outputs, reference, queries.files)
    localizer = _prepare_localizer(reference, config, folder, progress)
    with pictures_folder(outputs) as pictures:
        localized = _attempt_all(localizer, queries, pairs or {}, pictures, progress)
        if not localized.attempts:
            write_diagnostics(localized, outputs)
            raise InputError(_none_readable(localized.unreadable))
    write_outputs(localized, reference, localizer.prepared, outputs)
    return localized


def _attempt_all(
    localizer: Localizer,
    queries: Queries,
    pairs: Mapping[str, Sequence[str]],
    pictures: Path | None,
    progress: Progress,
) -> Localized:
    attempts: list[Attempt] = []
    unreadable = dict(queries.unusable)
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
                draw_picture(attempt, view, localizer.prepared, pictures, len(attempts))
        progress.advance()
    return Localized(tuple(attempts), unreadable)


def _none_readable(unreadable: Mapping[str, str]) -> str:
    shown = "; ".join(list(unreadable.values())[:_SHOWN])
    return (
        f"none of {len(unreadable)} photos can be used: {shown}{'; ...' if len(unreadable) > _SHOWN else ''}"
    )
