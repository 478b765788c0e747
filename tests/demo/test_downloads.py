"""Downloads are of the run and the threshold that they are asked for."""

import asyncio
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from plane_world import MIXED, plane_scene, write_photos

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.results import DOWNLOADS, prepare_download
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.io.scene_file import save_scene

NERFSTUDIO, CLOUD = DOWNLOADS["nerfstudio.zip"], DOWNLOADS["points.ply"]


def finish_run(job: Job, count: int) -> None:
    """What a run of so many photos leaves."""
    write_photos(job.photos, MIXED[:count])
    save_scene(plane_scene(job.photos, MIXED[:count]), job.out / "scene.npz")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    finish_run(made, 2)
    return made


def frames_in(archive: Path) -> int:
    with zipfile.ZipFile(archive) as opened:
        return len(json.loads(opened.read("transforms.json"))["frames"])


def test_thresholds_that_differ_after_the_point_are_two_files(job: Job) -> None:
    async def get() -> tuple[Path, Path]:
        config = DemoConfig()
        first = await prepare_download(job, NERFSTUDIO, 1.5, config)
        return first, await prepare_download(job, NERFSTUDIO, 1.0, config)

    first, second = asyncio.run(get())
    assert first != second
    assert second.name.endswith("-1.zip")
    assert not first.exists()
    assert frames_in(second) == 2


def test_what_an_export_of_the_run_before_leaves_late_is_not_given_out(job: Job) -> None:
    async def get() -> Path:
        return await prepare_download(job, NERFSTUDIO, None, DemoConfig())

    old = asyncio.run(get())
    kept = shutil.copy(old, job.folder.parent / "kept.zip")
    job.clear_run()
    finish_run(job, 3)
    # As a child does that began before.
    shutil.copy(kept, old)
    assert frames_in(asyncio.run(get())) == 3


@pytest.mark.parametrize("end", [Job.clear_run, Job.remove])
def test_an_export_whose_run_goes_gives_nothing_and_leaves_nothing(
    job: Job, end: Callable[[Job], None]
) -> None:
    async def get() -> None:
        export = asyncio.create_task(prepare_download(job, CLOUD, None, DemoConfig()))
        await asyncio.sleep(0.5)
        assert not export.done()
        await asyncio.to_thread(end, job)
        with pytest.raises(FileNotFoundError):
            await export

    asyncio.run(get())
    left = {path for path in job.folder.rglob("*") if path.is_file()}
    kept = {"photos"} if end is Job.clear_run else set()
    assert {path.relative_to(job.folder).parts[0] for path in left} == kept
