"""Adds `dust3r` to the commands of `ns-process-data`, whose list is fixed in nerfstudio's code.

A .pth file calls `install` whenever Python starts. All it does is to put a finder first in `sys.meta_path`
that is silent until somebody imports `nerfstudio.scripts.process_data`; so it does not matter which of
the two packages was installed first, or whether nerfstudio is there. This module imports nothing but
`sys`, and our own package only when nerfstudio's command runs.
"""

import sys

TARGET = "nerfstudio.scripts.process_data"

# What `python -m` runs in place of the module's code. Run under the name __main__, that would start
# the command before anything could be added; imported by its own name it is extended first.
_RUN_AS_MAIN = f"""\
import {TARGET} as _module
globals().update({{k: v for k, v in vars(_module).items() if not k.startswith("__")}})
if __name__ == "__main__":
    _module.entrypoint()
"""


class ProcessDataFinder:
    """Finds TARGET as the other finders do, and hands it to a loader that extends it."""

    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        if fullname != TARGET:
            return None
        for finder in sys.meta_path:
            find = None if isinstance(finder, ProcessDataFinder) else getattr(finder, "find_spec", None)
            spec = None if find is None else find(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module") and hasattr(spec.loader, "get_code"):
                    spec.loader = ExtendingLoader(spec.loader)
                return spec
        return None


class ExtendingLoader:
    """The loader it was given, except that the module gets one command more."""

    def __init__(self, loader):  # type: ignore[no-untyped-def]
        self._loader = loader

    def __getattr__(self, name):  # type: ignore[no-untyped-def]
        return getattr(self._loader, name)

    def create_module(self, spec):  # type: ignore[no-untyped-def]
        return self._loader.create_module(spec)

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        self._loader.exec_module(module)
        _extend(module)

    def get_code(self, fullname):  # type: ignore[no-untyped-def]
        """For `python -m` alone: the import system uses `exec_module`."""
        return compile(_RUN_AS_MAIN, self._loader.get_filename(fullname), "exec")


def install() -> None:
    """Once, however many .pth files or site folders ask for it."""
    if not any(isinstance(finder, ProcessDataFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, ProcessDataFinder())


def _extend(module) -> None:  # type: ignore[no-untyped-def]
    """Whatever goes wrong here must not take nerfstudio's own commands away: it is said, and that is all."""
    try:
        from dust3r_sfm_nerfstudio.command import with_dust3r

        module.Commands = with_dust3r(module.Commands)
    except Exception as error:  # noqa: BLE001
        reason = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"dust3r is missing from ns-process-data ({reason}); use ns-process-dust3r\n")
