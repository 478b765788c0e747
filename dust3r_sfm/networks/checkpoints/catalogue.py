"""The published networks that have a name here: what they are, and under which licence."""

from dataclasses import dataclass
from pathlib import Path

from dust3r_sfm.errors import InputError

_LICENCE = "CC BY-NC-SA 4.0 (non-commercial)"


@dataclass(frozen=True)
class KnownModel:
    """Weights that can be had by name."""

    name: str
    """What users type."""
    repo: str
    """Where they are on the Hugging Face hub."""
    summary: str
    """Long edge of its images, kind of its head."""
    num_bytes: int
    """Size of the download."""
    metric: bool
    """Whether its points are in metres."""
    licence: str = _LICENCE
    """Of the weights."""

    @property
    def published_name(self) -> str:
        """What its authors call it: the repository, and the stem of the `.pth`."""
        return self.repo.split("/")[1]


_MODELS = (
    KnownModel(
        "dust3r",
        "naver/DUSt3R_ViTLarge_BaseDecoder_512_dpt",
        "512 px, DPT",
        num_bytes=2_284_684_832,
        metric=False,
    ),
    KnownModel(
        "dust3r-512-linear",
        "naver/DUSt3R_ViTLarge_BaseDecoder_512_linear",
        "512 px, linear",
        num_bytes=2_129_371_136,
        metric=False,
    ),
    KnownModel(
        "dust3r-224",
        "naver/DUSt3R_ViTLarge_BaseDecoder_224_linear",
        "224 px, linear",
        num_bytes=2_129_371_136,
        metric=False,
    ),
    KnownModel(
        "mast3r",
        "naver/MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric",
        "512 px, matching",
        num_bytes=2_754_555_424,
        metric=True,
    ),
)


def known_models() -> tuple[KnownModel, ...]:
    """Every network that has a name, the default first."""
    return _MODELS


def find_model(name: str) -> KnownModel | None:
    """The one called so, by its name here or by its repository on the hub."""
    return next((model for model in _MODELS if name in (model.name, model.repo)), None)


def known_model(name: str) -> KnownModel:
    """The one called so. Raises InputError, with the names there are, if there is none."""
    model = find_model(name)
    if model is None:
        names = ", ".join(known.name for known in _MODELS)
        raise InputError(f"{name}: is not a known network; known are {names}")
    return model


def recognise_model(path: Path) -> KnownModel | None:
    """The published network that a file or folder is called after: as its authors' `.pth`, as a folder
    made from its repository, or as the hub's cache calls that. A network's own data say neither its
    licence nor whether it is metric; only its name does."""
    folder = path if path.is_dir() else path.parent
    names = {folder.name, folder.parent.parent.name.split("--")[-1]}
    if path.suffix != ".safetensors" and not path.is_dir():
        names = {path.stem}
    return next((model for model in _MODELS if model.published_name in names), None)
