"""What `dust3r-sfm evaluate` reads, and the lines and file it answers with."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from dust3r_sfm.cli.options import Evaluate
from dust3r_sfm.cli.reporting import Reporter, Summary
from dust3r_sfm.errors import InputError
from dust3r_sfm.evaluation import (
    LocalizationScores,
    PosedCamera,
    PoseScores,
    read_posed_cameras,
    score_localization,
    score_poses,
)
from dust3r_sfm.io import model_folder, read_poses
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.outputs.own_files import check_spared, read_files
from dust3r_sfm.io.text_files import numbered_lines
from dust3r_sfm.pipeline.output import as_output_error, check_file


def run_evaluate(command: Evaluate, reporter: Reporter) -> None:
    """Scores the estimate against the truth."""
    _check_json(command)
    truth = _model(command.truth)
    if len(truth) < 2:
        raise InputError(f"{command.truth}: has {len(truth)} photo; a truth needs 2 or more")
    if command.localization or command.estimate.is_file():
        localization = _localization_scores(command, truth)
        _write(command.json, "localization", localization)
        _conclude(reporter, localization, localization_lines(localization))
    else:
        if command.queries is not None:
            raise InputError("--queries: asks for localized photos; add --localization, or leave it out")
        poses = score_poses(_model(command.estimate), truth)
        _write(command.json, "reconstruction", poses)
        _conclude(reporter, poses, reconstruction_lines(poses))


def _conclude(reporter: Reporter, scores: PoseScores | LocalizationScores, lines: Iterator[str]) -> None:
    reporter.conclude(Summary(tuple(lines), asdict(scores)))


def _check_json(command: Evaluate) -> None:
    if command.json is None:
        return
    check_file(command.json)
    inputs = (("ESTIMATE", command.estimate), ("TRUTH", command.truth), ("--queries", command.queries))
    check_spared(command.json, [file for what, place in inputs for file in read_files(what, place)])


def reconstruction_lines(scores: PoseScores) -> Iterator[str]:
    yield f"{scores.registered} of {scores.photos} images registered"
    yield (
        f"rotation of pairs    median {scores.median_rotation_error_deg:.3f} deg, "
        f"RRA@2 {scores.rra_2:.3f}, @5 {scores.rra_5:.3f}, @15 {scores.rra_15:.3f}"
    )
    yield (
        f"direction of pairs   median {scores.median_direction_error_deg:.3f} deg, "
        f"RTA@2 {scores.rta_2:.3f}, @5 {scores.rta_5:.3f}, @15 {scores.rta_15:.3f}"
    )
    yield f"both                 mAA@30 {scores.maa_30:.4f}"
    if scores.ate is not None:
        yield (
            f"camera centres       ATE {scores.ate:.5f} of the true rig's size, "
            f"{scores.ate_absolute:.4g} in the truth's unit"
        )
    if scores.focal_error is not None:
        yield f"focals               median {100 * scores.focal_error:.2f} % off"


def localization_lines(scores: LocalizationScores) -> Iterator[str]:
    yield f"{scores.answered} of {scores.queries} queries have a pose"
    if scores.median_cm is None or scores.median_deg is None:
        yield "no medians: half of the queries or more have no pose"
    else:
        yield f"median {scores.median_cm:.2f} cm, {scores.median_deg:.3f} deg"
    yield (
        f"recall {scores.recall_1cm_1deg:.3f} at 1 cm 1 deg, {scores.recall_2cm_2deg:.3f} at 2 cm 2 deg, "
        f"{scores.recall_5cm_5deg:.3f} at 5 cm 5 deg, {scores.recall_25cm_2deg:.3f} at 0.25 m 2 deg, "
        f"{scores.recall_50cm_5deg:.3f} at 0.5 m 5 deg"
    )


def _localization_scores(command: Evaluate, truth: dict[str, PosedCamera]) -> LocalizationScores:
    if command.unit_cm <= 0:
        raise InputError(f"--unit-cm {command.unit_cm}: give more than 0; 100 where the truth is in metres")
    if command.estimate.is_file():
        poses = read_poses(command.estimate)
    else:
        poses = {name: photo.cam_from_world for name, photo in _model(command.estimate).items()}
    queries = None if command.queries is None else _read_names(command.queries)
    return score_localization(poses, truth, queries, command.unit_cm)


def _model(folder: Path) -> dict[str, PosedCamera]:
    """Of a COLMAP model, in the folder or where programs put it below: so reconstruct's largest scene."""
    place = model_folder(folder)
    if place is not None and (found := read_posed_cameras(place)):
        return found
    raise InputError(f"{folder}: holds no COLMAP model (images.bin or images.txt) with photos; check it")


def _read_names(path: Path) -> list[str]:
    names = [line for _, line in numbered_lines(path)]
    if not names:
        raise InputError(f"{path}: names no photos; write a name a line")
    return list(dict.fromkeys(names))


def _write(path: Path | None, kind: str, scores: PoseScores | LocalizationScores) -> None:
    if path is not None:
        text = json.dumps({"kind": kind, **asdict(scores)}, indent=1, allow_nan=False)
        with as_output_error(path), write_atomically(path, replace=True) as partial:
            partial.write_text(text + "\n", encoding="utf-8")
