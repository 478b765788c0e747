"""How far a job is, as its page is told."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dust3r_sfm.images.kinds import is_video

Status = Literal["new", "queued", "running", "done", "failed", "stopped"]


@dataclass(frozen=True)
class Stage:
    """Of the run that goes on. `rate` in units a second, and `left_s`, are None until they are known."""

    label: str
    unit: str
    total: int
    done: int = 0
    rate: float | None = None
    left_s: float | None = None


@dataclass(frozen=True)
class State:
    """Everything that a page shows of a job."""

    status: Status = "new"
    photos: tuple[str, ...] = ()
    """Names of what was uploaded, a video among them."""
    num_masks: int = 0
    place: int = 0
    """In the queue: how many runs are before this one."""
    stage: Stage | None = None
    done_stages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Plan, remarks and warnings."""
    expected_s: float | None = None
    """Seconds that the plan foresees."""
    summary: Mapping[str, Any] | None = None
    """The event of this name."""
    error: str | None = None

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "is_video": any(is_video(Path(name)) for name in self.photos)}


@dataclass
class Told:
    """What the events of a run come to. `state` is the last one."""

    state: State
    max_notes: int
    hidden: str = ""
    """Part of paths that is nobody's concern."""

    def hear(self, event: Mapping[str, Any]) -> None:
        """One line of `--progress json`."""
        event = _without(event, self.hidden) if self.hidden else event
        kind, state = event.get("event"), self.state
        if kind == "stage":
            former = () if state.stage is None else (state.stage.label,)
            stage = Stage(event["label"], event["unit"], event["total"])
            self.state = replace(state, stage=stage, done_stages=state.done_stages + former)
        elif kind == "advance" and state.stage is not None:
            stage = replace(state.stage, done=event["done"], rate=event["rate"], left_s=event["left_s"])
            self.state = replace(state, stage=stage)
        elif kind == "plan":
            self._note(event["text"])
            self.state = replace(self.state, expected_s=event.get("expected_s"))
        elif kind in ("remark", "warning"):
            self._note([event["text"]])
        elif kind == "summary":
            self.state = replace(state, summary=dict(event))
        elif kind == "error":
            self.state = replace(state, error=event["text"])

    def _note(self, lines: list[str]) -> None:
        self.state = replace(self.state, notes=(*self.state.notes, *lines)[-self.max_notes :])


def _without(value: Any, part: str) -> Any:
    """A value of JSON without this part in any of its texts."""
    if isinstance(value, str):
        return value.replace(part, "")
    if isinstance(value, Mapping):
        return {_without(key, part): _without(inner, part) for key, inner in value.items()}
    return [_without(inner, part) for inner in value] if isinstance(value, list) else value
