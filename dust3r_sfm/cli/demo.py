"""What `dust3r-sfm demo` and `dust3r-sfm frames` do."""

from collections.abc import Iterator
from pathlib import Path

from dust3r_sfm.cli.interruption import Ended
from dust3r_sfm.cli.options import RunDemo, TakeFrames
from dust3r_sfm.cli.reporting import Planned, Reporter, Step, Summary
from dust3r_sfm.cli.reporting.messages import Fact
from dust3r_sfm.demo.config import DemoConfig, DemoSettings
from dust3r_sfm.demo.place import temporary_place
from dust3r_sfm.demo.server import listen, require_server, serve
from dust3r_sfm.errors import InputError
from dust3r_sfm.images import FrameSampling, sample_frames
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.networks.checkpoints import KnownModel, find_model, known_models
from dust3r_sfm.pipeline.output import as_output_error
from dust3r_sfm.pipeline.regressors import STEREO

_AUTO = "auto"


def run_demo(command: RunDemo, reporter: Reporter) -> None:
    """Ends with a signal only."""
    require_server()
    regressors = tuple(dict.fromkeys(_regressors(command)))
    if command.local_network and command.server_name is not None:
        raise InputError("--local-network and --server-name exclude each other: both say where to listen")
    host = command.server_name or ("0.0.0.0" if command.local_network else "127.0.0.1")

    def say(address: str) -> None:
        lines = (f"the demo is at {address} (Ctrl-C ends it)",)
        reporter.conclude(Summary(lines, {"address": address}))
        if not command.silent and host not in ("127.0.0.1", "localhost", "::1"):
            reporter.warn("others who reach this machine see and use it too")

    with temporary_place(command.tmp_dir) as place, listen(host, command.server_port) as found:
        config = DemoConfig(max_memory_gib=command.max_memory)
        settings = DemoSettings(regressors, place, command.device, config)
        number = serve(settings, found, host, say)
    raise Ended(number)


def _regressors(command: RunDemo) -> Iterator[str]:
    """What the page offers, beginning with what it is to begin with. Raises InputError for what cannot be."""
    if command.weights is not None and command.model_name is not None:
        raise InputError("--weights and --model-name exclude each other: both say which network")
    if command.weights is not None:
        if not command.weights.exists():
            raise InputError(f"--weights {command.weights}: does not exist")
        if command.image_size is not None:
            raise InputError("--image-size: is for --model-name; weights of a file say their own size")
        yield str(command.weights.absolute())
    if command.model_name is not None or command.image_size is not None:
        yield _model(command.model_name, command.image_size).name
    yield from (_AUTO, STEREO, *(model.name for model in known_models()))


def _model(name: str | None, image_size: int | None) -> KnownModel:
    if name is None:
        name = "dust3r-224" if image_size == 224 else "dust3r"
    model = find_model(name) or next((m for m in known_models() if name == m.published_name), None)
    if model is None:
        names = ", ".join(known.name for known in known_models())
        raise InputError(f"--model-name {name}: is no known network; known are {names}")
    if image_size is not None and not model.summary.startswith(f"{image_size} px"):
        raise InputError(
            f"--image-size {image_size}: {model.name} is made for {model.summary[:3]}; leave it out"
        )
    return model


def run_frames(command: TakeFrames, reporter: Reporter) -> None:
    """Writes frames of a video, all of them or none."""
    if command.count < 2:
        raise InputError(f"--count {command.count}: give 2 or more")
    if not command.video.is_file():
        raise InputError(f"{command.video}: is no file; name a video")
    line = f"{command.count} frames of {command.video}, or all of fewer"
    reporter.announce(Planned((line,), {"frames": command.count}))
    sampling = FrameSampling(command.count, command.frame_choice)
    with as_output_error(command.out), write_atomically(command.out) as partial:
        frames = sample_frames(command.video, partial, sampling, reporter.progress, say=reporter.warn)
    facts: dict[str, Fact] = {
        "frames": len(frames),
        "out": str(command.out),
        "files": [Path(frame).name for frame in frames],
    }
    step = Step("next", f"dust3r-sfm reconstruct {command.out} OUT")
    reporter.conclude(Summary((f"{len(frames)} frames in {command.out}",), facts, (step,)))
