"""What a finished run gives: pictures beside each photo, and files to take away."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.children import run_child
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.atomic import remove

_JPEG_QUALITY = 85


@dataclass(frozen=True)
class Download:
    """What may be taken away: a file that the run wrote, or what `export` makes of its scene."""

    file: str
    """What browsers call it."""
    form: str
    """As `export --format` has it."""
    made: str | None
    """The one file of it; None for all of them, as a zip."""


DOWNLOADS = {
    download.file: download
    for download in (
        Download("colmap.zip", "colmap", None),
        Download("nerfstudio.zip", "nerfstudio", None),
        Download("scene.glb", "glb", "scene.glb"),
        Download("points.ply", "ply", "points.ply"),
    )
}


def placed_photos(job: Job) -> list[dict[str, Any]]:
    """Of each photo its name, and its scene or why it is in none; in the order of `picture_of`."""
    report = json.loads((job.out / "report.json").read_text(encoding="utf-8"))
    return [
        {"name": image["name"], "scene": image["scene"], "reason": image["reason"]}
        for image in report["images"]
    ]


def picture_of(job: Job, index: int, kind: str, config: DemoConfig) -> tuple[bytes, str] | None:
    """A picture and its media type: `photo`, its `depth` or its `confidence`. None where there is none."""
    photos = placed_photos(job)
    if not 0 <= index < len(photos):
        return None
    name, scene = photos[index]["name"], photos[index]["scene"]
    if kind == "photo":
        return _photo(_photo_folder(job) / name, config)
    if scene is None or kind not in ("depth", "confidence"):
        return None
    folder = job.out if scene == 0 else job.out / "components" / str(scene)
    return (folder / "depth" / f"{name}.{kind}.png").read_bytes(), "image/png"


def _photo(path: Path, config: DemoConfig) -> tuple[bytes, str]:
    """Upright, as the loader decodes it. Raises InputError for what takes too much memory."""
    from PIL import Image

    from dust3r_sfm.images import load_view
    from dust3r_sfm.types import ImageSpec

    picture = io.BytesIO()
    view = load_view(path, ImageSpec(config.picture_px), config.picture_memory_bytes)
    Image.fromarray(view.image).save(picture, "JPEG", quality=_JPEG_QUALITY)
    return picture.getvalue(), "image/jpeg"


def _photo_folder(job: Job) -> Path:
    frames = job.folder / "frames"
    return frames if frames.exists() else job.photos


async def prepare_download(
    job: Job, download: Download, min_confidence: float | None, config: DemoConfig
) -> Path:
    """The file, made once for a threshold and kept until another one is asked for. Raises OutputError where
    it cannot be made, FileNotFoundError where the run that it is of has gone meanwhile."""
    none = min_confidence is None or download.form == "colmap"
    made_of = "" if none else f"-{min_confidence:g}"
    # A child of ours may still write what the run before came to: its number keeps the two apart.
    run = job.run
    folder = job.folder / f"{download.form}-run{run}{made_of}"
    target = folder / download.made if download.made else folder.with_name(f"{folder.name}.zip")
    if not target.exists():
        await asyncio.to_thread(_remove_all, job.folder.glob(f"{download.form}*"))
        words = ["export", str(job.out), "--format", download.form, "--output", str(folder)]
        if not none:
            words += ["--min-confidence", f"{min_confidence:g}"]
        said: list[str] = []
        code, errors = await run_child(
            [*words, "--overwrite", "--progress", "json"],
            config.stop_s,
            lambda event: said.append(event["text"]) if event["event"] == "error" else None,
        )
        if code and job.run == run:
            raise OutputError(f"{download.file}: {(said or [errors])[-1]}")
        if download.made is None and not code:
            await asyncio.to_thread(_zip, folder, target)
    if job.run != run:
        await asyncio.to_thread(_remove_all, (folder, target))
        raise FileNotFoundError(target)
    return target


def _remove_all(paths: Iterable[Path]) -> None:
    for path in paths:
        remove(path)


def _zip(folder: Path, target: Path) -> None:
    """Not compressed: pictures are already, and numbers hardly shrink."""
    partial = target.with_suffix(".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
        partial.rename(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"{target.name}: cannot be written ({error.strerror})") from error
