"""What takes long to make and many tests of localization look at."""

import pytest
from posed_room import COUNT, QUERIES, PosedRoom, write_model
from rendered_room import render_room

from dust3r_sfm.localization import Reference, ReferenceMap, prepare, read_reference
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor


@pytest.fixture(scope="session")
def posed_room(tmp_path_factory: pytest.TempPathFactory) -> PosedRoom:
    room, folder = render_room(4, COUNT), tmp_path_factory.mktemp("posed_room")
    room.write(folder / "images")
    write_model(room, [k for k in range(COUNT) if k not in QUERIES], folder / "model")
    return PosedRoom(room, folder)


@pytest.fixture(scope="session")
def stereo() -> StereoRegressor:
    return StereoRegressor(StereoConfig(long_edge=320, keypoints="sift"))


@pytest.fixture(scope="session")
def reference(posed_room: PosedRoom) -> Reference:
    return read_reference(posed_room.model)


@pytest.fixture(scope="session")
def prepared(posed_room: PosedRoom, reference: Reference, stereo: StereoRegressor) -> ReferenceMap:
    return prepare(reference, stereo, posed_room.folder / "prepared")
