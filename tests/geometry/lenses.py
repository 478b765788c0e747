"""A camera of each of COLMAP's models that has a focal, with a lens as photos have it."""

from dust3r_sfm.types import Camera

LENSES = (
    Camera("SIMPLE_PINHOLE", 640, 480, (500.0, 310.0, 245.0)),
    Camera("PINHOLE", 640, 480, (500.0, 510.0, 310.0, 245.0)),
    Camera("SIMPLE_RADIAL", 640, 480, (500.0, 310.0, 245.0, -0.1)),
    Camera("RADIAL", 640, 480, (500.0, 310.0, 245.0, -0.1, 0.02)),
    Camera("OPENCV", 640, 480, (500.0, 510.0, 310.0, 245.0, -0.1, 0.02, 0.001, 0.002)),
    Camera(
        "FULL_OPENCV", 640, 480, (500.0, 510.0, 310.0, 245.0, -0.1, 0.02, 0.001, 0.002, 0.01, 0.02, 0.01, 0.0)
    ),
    Camera("FOV", 640, 480, (400.0, 410.0, 310.0, 245.0, 0.8)),
    Camera("SIMPLE_DIVISION", 640, 480, (500.0, 310.0, 245.0, -0.1)),
    Camera("DIVISION", 640, 480, (500.0, 510.0, 310.0, 245.0, -0.1)),
    Camera("EUCM", 640, 480, (400.0, 410.0, 310.0, 245.0, 0.5, 1.1)),
    Camera("SIMPLE_FISHEYE", 640, 480, (300.0, 310.0, 245.0)),
    Camera("FISHEYE", 640, 480, (300.0, 310.0, 310.0, 245.0)),
    Camera("SIMPLE_RADIAL_FISHEYE", 640, 480, (300.0, 310.0, 245.0, 0.02)),
    Camera("RADIAL_FISHEYE", 640, 480, (300.0, 310.0, 245.0, 0.02, -0.01)),
    Camera("OPENCV_FISHEYE", 640, 480, (300.0, 310.0, 310.0, 245.0, 0.02, -0.01, 0.001, 0.0)),
    Camera(
        "THIN_PRISM_FISHEYE",
        640,
        480,
        (300.0, 310.0, 310.0, 245.0, 0.02, -0.01, 1e-3, 2e-3, 1e-3, 0.0, 1e-3, 2e-3),
    ),
    Camera(
        "RAD_TAN_THIN_PRISM_FISHEYE",
        640,
        480,
        (300.0, 300.0, 310.0, 245.0, 0.02, -0.01, 0.0, 0.0, 0.0, 0.0, 1e-3, 2e-3, 1e-3, 0.0, 1e-3, 0.0),
    ),
)
