"""Outputs in the store as law targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import law

from pocket.store import is_complete, manifest_id, read_manifest


class StoreTarget(law.LocalDirectoryTarget):
    """A folder that exists, as far as tasks are concerned, when its manifest matches its files and inputs.

    Args:
        path: the folder.
        inputs: returns the outputs it must have been made from, label → id, or ``None`` while they aren't known.
        accept_skipped: whether an output that left out unreadable files counts.
    """

    def __init__(
        self,
        path: Path,
        inputs: Callable[[], Mapping[str, str] | None],
        accept_skipped: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(str(path), **kwargs)
        self._inputs = inputs
        self._accept_skipped = accept_skipped

    @property
    def directory(self) -> Path:
        """The folder."""
        return Path(self.path)

    @property
    def id(self) -> str | None:
        """Id of the output that is there now."""
        return manifest_id(self.directory)

    def exists(self, **kwargs: Any) -> bool:
        """Whether the output is complete and was made from the inputs that are there now."""
        from pocket.parameters.checksums import changed_files

        inputs = self._inputs()
        if inputs is None or not is_complete(self.directory, inputs):
            return False
        manifest = read_manifest(self.directory)
        info = manifest.info if manifest else {}
        if changed_files(info.get("parameter_files", {})):
            return False
        return self._accept_skipped or not info.get("skipped")
