"""The store: paths of outputs, atomic writing, completeness, and remote copies."""

from pocket.io.store.manifest import (
    FileRecord,
    Manifest,
    is_complete,
    manifest_id,
    manifest_of,
    read_manifest,
    why_incomplete,
)
from pocket.io.store.output import write_output
from pocket.io.store.paths import store_path, store_root
from pocket.io.store.verification import verify, verify_all, verify_files

__all__ = [
    "FileRecord",
    "Manifest",
    "is_complete",
    "manifest_id",
    "manifest_of",
    "read_manifest",
    "store_path",
    "store_root",
    "verify",
    "verify_all",
    "verify_files",
    "why_incomplete",
    "write_output",
]
