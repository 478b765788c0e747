"""What --data and --eval-data name: the photos, and what their images are to be called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import FrameSampling, sample_frames
from dust3r_sfm.images.files import FoundPhotos, search_photos
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.progress import Progress
from dust3r_sfm_nerfstudio.options import ProcessOptions


@dataclass(frozen=True)
class Inputs:
    """`photos` as `reconstruct_all` takes them. `stems`: photo name -> name of its image without a suffix,
    in the order the photos are numbered. `left_out`: of files that `photos` does not name, path -> why."""

    photos: Path | Sequence[Path]
    stems: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)


def gather(
    command: ProcessOptions, frames: Path, progress: Progress, say: Callable[[str], None] | None = None
) -> Inputs:
    """Photos are numbered from 1 as nerfstudio numbers them: frame_00001, ...; with eval data
    frame_train_00001, ... and frame_eval_00001, ... Frames of videos are written below `frames`, and
    `say` hears what is damaged in these.

    Raises InputError for data that is missing or cannot be decoded.
    """
    if command.eval_data is None:
        folder = _photo_folder(command.data, frames, command, progress, say)
        return Inputs(folder, _number_names(list(search_photos(folder, command.masks).files), "frame_"))
    train_folder, eval_folder = (
        _photo_folder(data, frames / kind, command, progress, say)
        for kind, data in (("train", command.data), ("eval", command.eval_data))
    )
    train, evaluation = (search_photos(folder, command.masks) for folder in (train_folder, eval_folder))
    both = [*train.files.values(), *evaluation.files.values()]
    names = list(search_photos(both).files)
    if len(names) < len(both):
        raise InputError(f"{command.eval_data}: holds photos of {command.data}; keep them apart")
    split = len(train.files)
    stems = {**_number_names(names[:split], "frame_train_"), **_number_names(names[split:], "frame_eval_")}
    left_out = {**_others(train, train_folder), **_others(evaluation, eval_folder)}
    return Inputs(both, stems, left_out)


def _others(found: FoundPhotos, folder: Path) -> dict[str, str]:
    return {str(folder / name): why for name, why in {**found.unusable, **found.passed_over}.items()}


def _number_names(names: Sequence[str], prefix: str) -> dict[str, str]:
    return {name: f"{prefix}{number:05d}" for number, name in enumerate(names, start=1)}


def _photo_folder(
    data: Path,
    frames: Path,
    command: ProcessOptions,
    progress: Progress,
    say: Callable[[str], None] | None,
) -> Path:
    """The data itself if it is a folder, else the folder that its frames were written into."""
    if not data.is_file():
        return data
    if command.skip_image_processing:
        raise InputError(
            f"{data}: is a video; its frames have to be written: leave out --skip-image-processing"
        )
    sampling = FrameSampling(command.num_frames_target, command.frame_choice)
    with write_atomically(frames, replace=True) as partial:
        sample_frames(data, partial, sampling, progress, say=say)
    return frames
