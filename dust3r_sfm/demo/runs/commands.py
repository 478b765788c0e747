"""From a job and its options to the command lines of its run."""

from pathlib import Path

from dust3r_sfm.demo.config import DemoSettings
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.demo.runs.options import RunOptions, reconstruct_arguments
from dust3r_sfm.errors import InputError
from dust3r_sfm.images.kinds import is_video


def commands_of(job: Job, options: RunOptions, settings: DemoSettings) -> list[list[str]]:
    """One that takes frames out of a video, if there is one, and one that reconstructs. Raises InputError for
    less than two photos."""
    names, photos, commands = job.state.photos, job.photos, []
    videos = [name for name in names if is_video(Path(name))]
    if videos:
        photos = job.folder / "frames"
        video = str(job.photos / videos[0])
        commands.append(["frames", video, str(photos), "--count", str(options.frames), "--progress", "json"])
    elif len(names) < 2:
        raise InputError("give two photos or more, or a video")
    masks = job.masks if job.state.num_masks else None
    memory = settings.config.max_memory_gib
    return [*commands, reconstruct_arguments(options, photos, masks, job.out, settings.device, memory)]
