"""Outputs in the store as law targets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import law

from pocket.base.containers import existing_place, folder_of, is_container
from pocket.base.fingerprint.places import located
from pocket.base.fingerprint.reads import changed_reads
from pocket.errors import ChangedFileError, DamagedOutputError
from pocket.io.remote.threads import in_threads
from pocket.io.store import Manifest, is_complete, manifest_of, store_root, verify_all
from pocket.io.store.manifest import other_input, why_incomplete
from pocket.io.store.packing import remove_output
from pocket.io.store.publishing import link_output
from pocket.io.store.remote import download, is_uploaded, remove, upload
from pocket.io.store.remote_manifests import forget, look_up, remote_manifest
from pocket.io.store.verification import is_damaged
from pocket.parameters.checksums import changed_files

#: what the next run does with an output; ``may run`` if that depends on the result of another task
COMPLETE, MAY_RUN, WOULD_RUN = "complete", "may run", "would run"


class State(NamedTuple):
    """What the next run does with an output or with a task, and why, as clauses.

    Of workflows, these are the branches that aren't complete, and the number of all if that is known. A complete
    output may have the other store that it is in as a reason.
    """

    kind: str
    reasons: tuple[str, ...] = ()
    left: tuple[int, ...] = ()
    branches: int = 0

    @property
    def is_complete(self) -> bool:
        return self.kind == COMPLETE

    @property
    def name(self) -> str:
        """The kind, or the number of complete branches if only some are complete."""
        done = self.branches - len(self.left)
        return f"{done} of {self.branches} branches" if self.left and done else self.kind

    @property
    def text(self) -> str:
        return ": ".join(filter(None, (self.name, ", ".join(self.reasons))))


class StoreTarget(law.LocalDirectoryTarget):
    """A folder that counts as existing for tasks if its manifest matches its files and inputs.

    If its name is that of a container (:mod:`pocket.base.containers`), it is one, or the folder that it stands for.

    With a remote store, it exists if the remote store has it: the local folder is a copy, which may be missing.

    ``inputs`` returns the outputs it must have been made from, label → id, or ``None`` while they aren't known,
    ``awaited`` the task that decides whether the output is still valid, and ``lacks`` which wanted part it lacks. An
    output that this store lacks is searched in those to ``read``, and used where it is.
    """

    def __init__(
        self,
        path: Path,
        inputs: Callable[[], Mapping[str, str] | None],
        accept_skipped: bool = True,
        accept_failed: bool = False,
        remote: str | None = None,
        awaited: Callable[[], str] = str,
        lacks: Callable[[Manifest], str] = lambda manifest: "",
        read: Sequence[Path] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(str(path), **kwargs)
        self._read = read
        self._awaited = awaited
        self._lacks = lacks
        self._inputs = inputs
        self._accept_skipped = accept_skipped
        self._accept_failed = accept_failed
        self.remote = remote

    @cached_property
    def directory(self) -> Path:
        """Path of the folder or container; where a folder stands in for a container, see :attr:`place`."""
        return Path(self.path)

    @property
    def place(self) -> Path:
        """Path of the folder or container that there is."""
        return existing_place(self.directory)

    @property
    def label(self) -> str:
        """Name of the output among its siblings, the same for a container and the folder that it stands for."""
        return folder_of(self.directory.name)

    @property
    def manifest(self) -> Manifest | None:
        """The manifest in the folder, or else the one in the remote store."""
        local = manifest_of(self.directory)
        if local is None and self._read and self._link():
            local = manifest_of(self.directory)
        return remote_manifest(self.remote) if local is None and self.remote is not None else local

    def _link(self) -> bool:
        """Link the output to the first of the further stores that has it complete, and return whether one has."""
        if is_damaged(self.directory):
            return False
        for store in self._read:
            place = store / self.directory.relative_to(store_root())
            if is_complete(place):
                link_output(existing_place(place), self.directory)
                return True
        return False

    @property
    def location(self) -> Path:
        """Path of the folder or container that there is, in whichever store."""
        return self.place.readlink() if self.place.is_symlink() else self.place

    @property
    def id(self) -> str | None:
        """Id of the output that exists now, ``None`` if there is none."""
        manifest = self.manifest
        return manifest.id if manifest else None

    def exists(self, **kwargs: Any) -> bool:
        """Whether the output is complete and was made from the current inputs."""
        return self.unsuitable() is None and self._is_whole()

    def _is_whole(self) -> bool:
        """Whether all files are there and unchanged, in the remote store if there is one."""
        if self.remote is None or self.place.is_symlink():
            return is_complete(self.directory)
        if is_complete(self.directory):
            return is_uploaded(self.directory, self.remote)
        # The local folder is missing or damaged.
        there, manifest = remote_manifest(self.remote), self.manifest
        return there is not None and manifest is not None and there.writing == manifest.writing

    @property
    def awaits_upload(self) -> bool:
        """Whether the folder is valid but not in the remote store."""
        if self.remote is None or not is_complete(self.directory) or is_uploaded(self.directory, self.remote):
            return False
        return self.unsuitable() is None

    def upload(self) -> None:
        assert self.remote is not None
        upload(self.directory, self.remote)

    def fetch(self) -> None:
        """Download the folder from the remote store, unless it is complete here."""
        if self.remote is not None and not is_complete(self.directory):
            download(self.remote, self.directory)

    def remove(self, silent: bool = True, **kwargs: Any) -> None:
        """Remove the output, first from the remote store, from where it would be downloaded again."""
        if self.remote is not None:
            remove(self.remote)
            forget()
        if is_container(self.directory) or self.directory.is_symlink():
            remove_output(self.directory)
        else:
            super().remove(silent=silent, **kwargs)

    def state(self) -> State:
        """Return what the next run would do with the output."""
        if self.manifest is None:
            there = is_container(self.directory) and self.directory.exists()
            return State(WOULD_RUN, self._damage() if there else ())
        awaited = self._awaited()
        undecided = State(MAY_RUN, (f"unless the result of {awaited} stays the same",))
        if awaited and self._inputs() is None:
            return undecided
        if reason := self.unsuitable():
            return State(WOULD_RUN, (reason,))
        if not self._is_whole():
            return State(WOULD_RUN, self._damage() or ("the remote store lacks the output",))
        if awaited:
            return undecided
        if not self.place.is_symlink():
            return State(COMPLETE)
        return State(COMPLETE, (f"in {str(self.location).removesuffix(f'/{self.place.relative_to(store_root())}')}",))

    def _damage(self) -> tuple[str, ...]:
        """Return why the files aren't those of the manifest, if they aren't."""
        reason = why_incomplete(self.directory)
        return (reason.replace(f"{self.directory.parent}/", ""),) if reason else ()

    def unsuitable(self) -> str | None:
        """Return why the manifest is invalid, as a clause, ``None`` if it is valid; the files aren't checked."""
        manifest = self.manifest
        if manifest is None:
            return "the output doesn't exist"
        if lacking := self._lacks(manifest):
            return lacking
        # The manifest is checked first, since the inputs take longer.
        if (inputs := self._inputs()) is None:
            return "an input doesn't exist"
        if other := other_input(manifest.inputs, inputs):
            return other
        if changed := _changed_since(manifest):
            return f"{located(changed[0])} has changed since"
        if manifest.info.get("failed") and not self._accept_failed:
            return "checks of the output failed"
        return "input files were left out" if manifest.info.get("skipped") and not self._accept_skipped else None


def _changed_since(manifest: Manifest) -> list[str]:
    """Return the files and variables that were read to make an output, besides its inputs, and have changed since."""
    reads = manifest.info.get("reads", {})
    changed = changed_files(manifest.info.get("parameter_files", {}))
    return changed or changed_reads(reads.get("files", {}), reads.get("variables", {}))


def store_targets(outputs: Any) -> list[StoreTarget]:
    """Return the outputs in the store that a nested structure of outputs contains, including collections."""
    found: list[StoreTarget] = []
    for output in law.util.flatten(outputs):
        if isinstance(output, law.TargetCollection):
            found += store_targets(output.targets)
        elif isinstance(output, StoreTarget):
            found.append(output)
    return found


def find_remote(targets: Iterable[StoreTarget]) -> None:
    """Look up outputs that don't exist here in the remote store, all at once."""
    look_up(target.remote for target in targets if target.remote is not None and manifest_of(target.directory) is None)


def fetch(targets: Iterable[StoreTarget]) -> None:
    """Fetch the folders of outputs, several at once."""
    in_threads(StoreTarget.fetch, targets)


def fetch_verified(targets: Iterable[StoreTarget]) -> None:
    """Fetch the folders of outputs and verify them; damaged ones are fetched again from the remote store."""
    outputs = list(targets)
    fetch(outputs)
    try:
        verify_all(output.directory for output in outputs)
    except DamagedOutputError:
        damaged = [output for output in outputs if manifest_of(output.directory) is None]
        if any(output.remote is None for output in damaged):
            raise
        fetch(damaged)
        verify_all(output.directory for output in damaged)


def refuse_replaced(targets: Iterable[StoreTarget], label: str) -> None:
    """Check that no parameter file was replaced since outputs were made."""
    for target in targets:
        manifest = manifest_of(target.directory)
        if manifest and (names := _changed_since(manifest)):
            raise ChangedFileError(
                f"{', '.join(map(located, names))} was replaced while {label} ran: run this again, which replaces "
                "outputs made from the earlier file"
            )


def upload_awaiting(targets: Iterable[StoreTarget]) -> None:
    """Upload outputs that the remote store lacks, several at once."""
    in_threads(StoreTarget.upload, [target for target in targets if target.awaits_upload])


#: results of the completeness check that is running, ``None`` if none is
_found: ContextVar[dict[law.Task, bool] | None] = ContextVar("found", default=None)


@contextlib.contextmanager
def remembering() -> Iterator[dict[law.Task, bool]]:
    """Check the completeness of each task only once in the block, while nothing is made; yield what was found."""
    known: dict[law.Task, bool] = {}
    token = _found.set(known)
    try:
        yield known
    finally:
        _found.reset(token)


def are_complete(tasks: object) -> bool:
    """Whether all tasks in a nested structure are complete, with all that they require.

    Each task is visited once, even if several paths of the chain lead to it. Otherwise, every path to the first
    iteration of coupled scale factors would be followed, and each iteration multiplies their number.
    """
    found = _found.get()
    if found is None:
        with remembering():
            return are_complete(tasks)
    for task in law.util.flatten(tasks):
        if task not in found:
            found[task] = bool(task.complete())
        if not found[task]:
            return False
    return True
