"""Thresholds are fields of configs: no module holds a number of its own but for the reasons written down
here.

A new threshold goes into the config dataclass beside the function that uses it, with its unit in its name and
its reason and source in a docstring under it. A number that is none gets a line below, under the reason that
holds."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import dust3r_sfm

PACKAGE = Path(dust3r_sfm.__file__).parent

KEPT: Mapping[str, Mapping[str, str]] = {
    "mathematical: constants of nature, guards against division by zero, convergence to rounding": {
        "alignment/bundle/observed_points.py": "SAME_PIXEL",
        "alignment/known_cameras.py": "SAME_PLACE",
        "alignment/gradient/initialization.py": "LEAST_DEPTH",
        "alignment/refinement/levenberg_marquardt.py": "FIRST_DAMPING LEAST_DAMPING MOST_DAMPING",
        "alignment/refinement/noise_model.py": "LEAST_SINE",
        "alignment/refinement/residuals.py": "BEHIND_PX",
        "alignment/verification/track_parts.py": "MIN_VIEWS",
        "dense/halving.py": "_HALF_FROM_WHOLE",
        "evidence/dense_map.py": "_LEAST_CONFIDENCE",
        "exporters/nerfstudio_transforms.py": "_Z_UP_FROM_Y_DOWN",
        "exporters/glb.py": "_GLTF_FROM_LEVEL",
        "geometry/robust.py": "MAD_TO_STD MEDIAN_ERROR_OF_MAD",
        "io/transforms_json.py": "OPENCV_FROM_OPENGL",
        "localization/absolute_pose.py": "_STEP",
        "matching/subpixel.py": "AROUND FLATTEST",
        "regressors/plane_sweep/levels.py": "COARSEST",
        "regressors/plane_sweep/warp.py": "_MIN_DEPTH_RATIO",
    },
    "where a parameter stands in a row of derivatives": {
        "alignment/refinement/edge_blocks.py": "DEPTH_I SCALE EDGE_PARAMETERS _OWN",
        "alignment/refinement/residuals.py": "FOCAL_I FOCAL_J DEPTH_J SCALE PARAMETERS",
        "alignment/verification/pose_covariance.py": "POSE FOCAL",
    },
    "published descent: how its parameters are scaled": {
        "alignment/gradient/parameters.py": "FOCAL_STEPS ADAPTOR_STEPS CENTRE_STEPS",
    },
    "stands for nothing: an empty result, or the number of none": {
        "localization/mapping/reference.py": "NO_POINTS",
        "localization/mapping/triangulation.py": "NEW",
        "localization/query_matches.py": "NO_ROW _NONE",
        "regressors/stereo/two_view.py": "UNRELATED",
    },
    "format of files, of EXIF, of COLMAP's cameras, or a version of one": {
        "evidence/dense_map.py": "_UNIT_SAMPLES",
        "exporters/images/flat_names.py": "_LONGEST_STEM _DIGEST",
        "io/atomic.py": "_LONGEST_NAME",
        "io/photo_names.py": "_LONGEST_PART",
        "exporters/images/image_files.py": "_JPEG_QUALITY",
        "exporters/mesh.py": "_BOUNDING_CUBE _VERTEX_BYTES _FACE_BYTES",
        "exporters/images/undistortion.py": "_WIDEST",
        "exporters/nerfstudio.py": "DEPTH_UNIT",
        "images/decoding.py": "_MIRRORED _TURN_UPRIGHT _OPPOSITE",
        "images/exif.py": "_MAKE _MODEL _ORIENTATION _EXIF_IFD _GPS_IFD _SOUTH_NORTH _LATITUDE _WEST_EAST "
        "_LONGITUDE _BELOW_SEA _ALTITUDE _FOCAL_MM _FOCAL_35MM _SERIAL _PLANE_X_RESOLUTION _PLANE_UNIT "
        "_PIXEL_WIDTH _PIXEL_HEIGHT _FILM_DIAGONAL_MM _MM_OF_UNIT _INCH",
        "images/tones.py": "_WHITE_LEVELS",
        "io/colmap/binary.py": "_KEYPOINT _POINT_FIELDS",
        "io/colmap/records.py": "NO_POINT",
        "io/sparse_model.py": "_DENSEST",
        "io/colmap/text.py": "_POINT_FIELDS _IMAGE_FIELDS",
        "io/outputs/colmap_writing.py": "_COUNT _CAMERA _PARAMETER _IMAGE _KEYPOINT _POINT _OBSERVATION",
        "cli/reporting/events.py": "SCHEMA",
        "io/results_version.py": "RESULTS_VERSION",
        "io/scene_file.py": "_VERSION _READABLE",
        "localization/mapping/photo_files.py": "_ABOVE_MODEL",
        "viewer/reading/colmap.py": "_ABOVE_MODEL",
        "networks/checkpoints/own_format.py": "_VERSION",
        "regressors/stereo/matching.py": "SIFT_UNIT",
        "types/cameras.py": "CAMERA_MODELS",
    },
    "how long a command that is asked to end may take": {
        "cli/interruption.py": "MOST_S AGAIN_S",
    },
    "how long processes are waited for that write the same folder": {
        "io/outputs/owners.py": "_LONGEST_S",
        "io/outputs/locks.py": "PATIENCE_S _STEP_S",
    },
    "what no file of cameras, poses or positions means: refused wherever it stands": {
        "cli/options/checks.py": "SEEDS",
        "io/text_files.py": "LARGEST_TEXT",
        "io/values.py": "FARTHEST LONGEST_SIDE QUATERNION_NORMS MOST_SKEWED EXACT _SHOWN",
    },
    "published networks: what their weights were made for": {
        "matching/learned/deformable.py": "_SIDE",
        "matching/learned/features.py": "_CENTRE",
        "matching/learned/networks.py": "_DESCRIPTOR_SIZE",
        "matching/learned/pyramid.py": "_MULTIPLE _PATCH",
        "networks/checkpoints/catalogue.py": "_MODELS",
        "networks/checkpoints/published.py": "_EXP_FROM_1",
        "networks/config.py": "DUST3R_224_LINEAR SMALL LARGEST",
        "regressors/network/regressor.py": "SQUARE_LONG_EDGE",
    },
    "machine: threads, bytes and sizes of batches, which change no result but by rounding": {
        "alignment/averaging/robust_graph.py": "DENSE_NODES",
        "alignment/gradient/objective.py": "BYTES_A_PIXEL_AND_PAIR",
        "dense/depth_fusion.py": "PIXELS_AT_ONCE",
        "exporters/depth_maps.py": "_PNG_EFFORT",
        "exporters/images/image_files.py": "_WORKERS _ROWS_AT_ONCE _PNG_EFFORT",
        "exporters/images/image_maps.py": "_ROWS_AT_ONCE",
        "images/decoding.py": "_HASHED_AT_ONCE",
        "images/decoding_memory.py": "_NARROW _WIDE _OWN_PICTURE _PROGRESSIVE _FLATTENED _RGB "
        "_RESULT _BESIDE",
        "images/loading.py": "_WORKERS",
        "images/rectifying.py": "_ROWS_AT_ONCE",
        "images/tones.py": "_PIXELS_AT_ONCE",
        "images/video.py": "_PNG_EFFORT",
        "inference/measuring.py": "BYTES_A_PIXEL",
        "pipeline/results.py": "_FILES_OF_SCENE _POINT_BYTES",
        "localization/mapping/mapping.py": "_READERS",
        "matching/config.py": "DEVICE_BLOCKS",
        "matching/learned/weights.py": "_CHUNK_BYTES",
        "networks/checkpoints/call_text.py": "_LONGEST",
        "parallel.py": "MOST_WORKERS AHEAD",
        "pipeline/config.py": "_STEREO_IMAGE_S _STEREO_SWEEPS_S _STEREO_PAIR_S",
        "pipeline/memory.py": "LIBRARIES LEAST_FOR_LOADING SEARCHED_PIXEL ENCODING SWEPT_PIXEL VIEW_PIXEL "
        "FUSED_PIXEL SAMPLE MATCH CORRESPONDENCE TYPICAL_CORRESPONDENCES",
        "regressors/network/regressor.py": "CPU_PIXELS_AT_ONCE START_ON_DEVICE MOST_AT_ONCE",
        "regressors/plane_sweep/matching_cost.py": "_CPU_CHUNK _GPU_CHUNK",
        "regressors/stereo/matching.py": "ROWS_AT_ONCE",
        "retrieval/clustering.py": "ROWS_AT_ONCE",
    },
    "a server's protocol, and how long it waits for its own parts": {
        "demo/refusals.py": "_NO_ROOM",
        "demo/place.py": "_BEGINNING_S",
        "demo/runs/queue.py": "WEAK",
        "demo/server.py": "DEFAULT_PORT _TRIED_PORTS _LARGEST_FRAME _GRACE_S",
        "demo/viewers.py": "_PATIENCE_S",
    },
    "presentation: how much a message says, colours and sizes of what is drawn": {
        "cli/commands.py": "_SMALLEST_WIDTH",
        "cli/reconstruction_summary.py": "_LEFT_OUT_SHOWN",
        "demo/runs/children.py": "LONGEST_LINE SHOWN_OF_ERRORS",
        "demo/names.py": "_LONGEST_STEM _LONGEST_SUFFIX",
        "demo/runs/options.py": "_RANGES",
        "demo/results.py": "_JPEG_QUALITY",
        "cli/reporting/drawing.py": "SAYS_EVERY_S RATE_FROM BAR_FROM BAR_WIDTH",
        "cli/reporting/events.py": "SAYS_EVERY_S",
        "cli/reporting/pace.py": "WINDOW_S",
        "networks/checkpoints/download_progress.py": "MEGABYTE LOOKS_EVERY_S",
        "cli/localization.py": "_SHOWN",
        "viewer/layers/cameras.py": "_FACES _EDGES _PYRAMID _FACE_OPACITY _LINE_PX",
        "viewer/layers/colors.py": "_STOPS _GOOD_TO_BAD _GAMMA _INSIDE",
        "viewer/layers/graph.py": "_LINE_PX",
        "viewer/layers/lines.py": "_REJECTED",
        "viewer/layers/queries.py": "_COLOR _LINE_PX",
        "viewer/page/clicks.py": "_MARK_COLOR _LINE_COLOR _MARK_RADIUS _LINE_PX",
        "viewer/page/controls.py": "_SIZES _SIZE_STEP _CONFIDENCE_STEP _OPACITY",
        "viewer/page/looking.py": "_MARGIN",
        "viewer/page/page.py": "_COLORS",
        "viewer/upright.py": "_INSIDE",
        "viewer/viewer.py": "DEFAULT_PORT",
        "exporters/depth_maps.py": "_STOPS _AT _RAMP _PALETTE",
        "exporters/glb.py": "_FRUSTUM_EDGES _FRUSTUM_COLOR _SEE_THROUGH _BEAM_RADIUS _PHOTO_PX _JPEG_QUALITY",
        "exporters/report_page/drawn_scene.py": "_INSIDE _FRUSTUM_GAP _SHORTEST _LONGEST",
        "localization/pictures.py": "_GREEN _RED",
        "networks/checkpoints/assembling.py": "_NAMED",
        "networks/checkpoints/call_text.py": "_LONGEST_SHOWN",
        "pipeline/localization/run.py": "_SHOWN",
        "io/outputs/room.py": "_MEGABYTE",
        "pipeline/work_folder.py": "_SHOWN",
    },
    "content of rendered scenes": {
        "synthetic/example.py": "POINTS_PER_PHOTO",
        "synthetic/rendering/illumination.py": "SUN_COLOR SKY_COLOR",
        "synthetic/rendering/noise.py": "LATTICE _TURN",
        "synthetic/places/facade.py": "FRONTS",
        "synthetic/places/garden.py": "BARK GREENS",
        "synthetic/places/kinds.py": "KINDS",
        "synthetic/places/office.py": "LENGTH_M DEPTH_M HEIGHT_M CORRIDOR_M PARTITIONS_M DOORS_M "
        "INNER_DOOR_M DOOR_HALF_M DOOR_TOP_M WALL_HALF_M",
        "synthetic/places/office_things.py": "BIRCH",
        "synthetic/places/office_walk.py": "WAY",
        "synthetic/places/table_object.py": "TABLE_TOP_M",
        "synthetic/predictions.py": "CONFIDENT",
        "synthetic/rendering/primitives.py": "NEAR",
        "synthetic/rendering/render.py": "TILE",
        "synthetic/scenes.py": "PALETTES WOODS WALLS BRICKS PAINTINGS",
        "synthetic/rendering/shading.py": "LAMP_COLOR AMBIENT_COLOR LAMP_RADIUS CORNER",
    },
}
"""Reason -> module -> names that may stay. Each must be there."""


def has_number(node: ast.AST) -> bool:
    """Inside expressions too, as in `np.geomspace(0.3, 5.0, 200)`."""
    parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return any(isinstance(value, int | float | complex) and not isinstance(value, bool) for value in parts)


def numbers_of(source: str) -> Iterator[str]:
    """Names that a module assigns something with a number to."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
            yield from names if has_number(statement.value) else ()


def spelled(table: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(module, name) for module, names in table.items() for name in names.split()}


def test_no_module_holds_a_threshold() -> None:
    modules = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    found = {
        (module, name)
        for module, path in modules.items()
        for name in numbers_of(path.read_text(encoding="utf-8"))
    }
    kept = set().union(*(spelled(table) for table in KEPT.values()))
    assert sorted(found - kept) == [], "make these fields of a config"
    assert sorted(kept - found) == [], "these are gone: take them off the list"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("LIMIT = 3\n", ["LIMIT"]),
        ("LEAST, MOST = 1, 2.0\n", ["LEAST", "MOST"]),
        ("_GRID: Grid = np.geomspace(0.3, 5.0, 200)\n", ["_GRID"]),
        ("ON, NAME, KIND = True, 'three', dict[str, int]\n", []),
        ("def f(x: int = 3) -> int:\n    return x + 4\n", []),
    ],
)
def test_numbers_are_seen(source: str, names: list[str]) -> None:
    assert list(numbers_of(source)) == names


def fields_without_docstring(source: str) -> Iterator[str]:
    """Fields of configs that say nothing of themselves, as Class.field."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
                said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                if isinstance(statement, ast.AnnAssign) and not said:
                    yield f"{node.name}.{ast.unparse(statement.target)}"


def test_every_field_of_a_config_says_why() -> None:
    paths = PACKAGE.rglob("*.py")
    silent = [name for path in paths for name in fields_without_docstring(path.read_text(encoding="utf-8"))]
    assert silent == []
