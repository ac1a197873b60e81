"""Plots on pages, which ``python -m tests.walk`` makes; without them a page has plain rectangles in their places.

They come from ``build/pictures`` of the checkout, or from the folder ``POCKET_PICTURES``.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PICTURES = Path(__file__).parents[2] / "build" / "pictures"
_NAME = re.compile(r"!\[[^\]]*\]\((?:\.\./)*pictures/([\w.-]+\.png)\)")


def names_in(text: str) -> Iterator[str]:
    """Yield the names of the pictures that a page shows."""
    yield from _NAME.findall(text)


def placeholder(width: int = 400, height: int = 400, grey: int = 224) -> bytes:
    """Return a grey rectangle as PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([grey]) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def content_of(name: str) -> bytes:
    """Return a picture, or a rectangle where it hasn't been made."""
    path = Path(os.environ.get("POCKET_PICTURES") or PICTURES) / name
    return path.read_bytes() if path.is_file() else placeholder()


def on_files(files: Any, config: Any) -> Any:
    """Add the pictures that pages show; mkdocs calls this."""
    from mkdocs.structure.files import File

    pages = [file for file in files if file.src_path.endswith(".md")]
    for name in sorted({name for page in pages for name in names_in(page.content_string)}):
        if files.get_file_from_path(f"pictures/{name}"):  # in the repository
            continue
        files.append(File.generated(config, f"pictures/{name}", content=content_of(name)))
    return files
