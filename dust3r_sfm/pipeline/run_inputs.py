"""What a run reads, which its results must spare."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dust3r_sfm.io.outputs.own_files import check_spared, read_files
from dust3r_sfm.pipeline.config import ReconstructConfig
from dust3r_sfm.pipeline.output import RESULTS, WORK
from dust3r_sfm.regressors.network import NetworkRegressorConfig
from dust3r_sfm.view_graph import PairsFile


def check_inputs_are_spared(output: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Raises OutputError where results would replace an input, or the work folder, which goes, holds one."""
    listed = list(inputs)
    for name in (*RESULTS, WORK):
        check_spared(output / name, listed)


def given_inputs(photos: Path | Sequence[Path], config: ReconstructConfig) -> Iterator[tuple[str, Path]]:
    """What each is called, and its file or folder."""
    yield from (("a photo", path) for path in ([photos] if isinstance(photos, Path) else photos))
    if config.masks is not None:
        yield "the folder of masks", config.masks
    yield from read_files("the file of known cameras", config.known.cameras)
    yield from read_files("the file of known poses", config.known.poses)
    yield from read_files("the file of positions", config.world.positions)
    if isinstance(config.graph, PairsFile):
        yield "the file of pairs", config.graph.path
    if isinstance(config.regressor, NetworkRegressorConfig):
        yield "the network", Path(config.regressor.source)
