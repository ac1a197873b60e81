"""Packing of outputs that an earlier version wrote as folders into containers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pocket.base.containers import SUFFIX
from pocket.errors import PocketError
from pocket.io.store.manifest import NAME, is_complete, read_manifest
from pocket.io.store.packing import PACKED, pack_folder, remove_output
from pocket.io.store.publishing import prepare_places, replacing
from pocket.io.store.verification import damage


@dataclass
class Compaction:
    """What was packed: outputs, files and folders, bytes, and sentences on outputs that stay as they are."""

    outputs: int = 0
    inodes: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    left: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the numbers as a clause."""
        if not self.outputs:
            return "no folders to pack"
        what = "1 folder was" if self.outputs == 1 else f"{self.outputs:,} folders were"
        return (
            f"{what} packed: {self.inodes:,} files and folders became {self.outputs:,}, "
            f"{self.bytes_before / 1e6:,.1f} MB became {self.bytes_after / 1e6:,.1f} MB"
        )


def compact(folder: Path) -> Compaction:
    """Pack all outputs below a folder, at any depth, that are folders, each into the container that stands for it.

    Each container has the files that the manifest names and the manifest as it is, so all that was made from the output
    stays valid. It appears by one rename, after which the folder is removed. So whatever interrupts this leaves each
    output whole, and the next call goes on. Outputs whose files differ from their checksums stay, and are named.
    """
    done = Compaction()
    for output in list(_outputs(folder)):
        try:
            _pack(output, done)
        except PocketError as error:
            done.left.append(str(error))
    return done


def _pack(output: Path, done: Compaction) -> None:
    container = output.with_name(f"{output.name}{SUFFIX}")
    sizes = [os.lstat(path).st_size for path in (output, *output.rglob("*"))]
    if is_complete(container) and container.exists():
        # It was interrupted before the folder was removed, or the output was made again since then.
        # Without a manifest it is no output any more, whatever interrupts the rest.
        (output / NAME).unlink(missing_ok=True)
        remove_output(output)
    elif reason := damage(output):
        done.left.append(f"{reason}: it stays a folder")
        return
    else:
        prepare_places([output.parent])
        with replacing(container) as temporary:
            pack_folder(output, temporary / PACKED)
    done.outputs += 1
    done.inodes += len(sizes)
    done.bytes_before += sum(sizes)
    done.bytes_after += container.stat().st_size


def _outputs(folder: Path) -> Iterator[Path]:
    """Yield the folders below a folder that are outputs, without temporary ones."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith("."):
            continue
        if read_manifest(folder / name) is not None:
            yield folder / name
        else:
            yield from _outputs(folder / name)
