"""XRootD client: its settings, and ROOT files opened through it."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pocket.errors import ConfigError
from pocket.io.remote.tokens import with_token

#: Settings of the client, in the environment. With the client's defaults, a server that is down costs eight minutes,
#: and isn't asked again for half an hour. With these, it fails at once, and pocket.io.remote.attempts tries again.
CLIENT_SETTINGS = {
    "XRD_CONNECTIONWINDOW": "10",  # Seconds per attempt to connect.
    "XRD_CONNECTIONRETRY": "1",
    "XRD_STREAMERRORWINDOW": "0",  # Seconds during which a server that failed isn't asked again.
    "XRD_REQUESTTIMEOUT": "60",  # Seconds that a request may take.
    "XRD_TIMEOUTRESOLUTION": "1",  # Seconds between checks of the time.
}

_SCHEME = "root://"


def is_remote(location: str) -> bool:
    """Tell whether a location is a URL and not a path.

    >>> is_remote("root://host//store/a.root"), is_remote("/store/a.root")
    (True, False)
    """
    return "://" in location


def prepare_client() -> None:
    """Set those of :data:`CLIENT_SETTINGS` that aren't set yet; call this before the client is loaded.

    Variables that the user set stay as they are. Child processes inherit all of them.

    Raises:
        ConfigError: if the packages of the client aren't installed.
    """
    if not client_is_installed():
        raise ConfigError("root:// files need the packages fsspec-xrootd and xrootd: install pocketlaw[xrootd]")
    for name, value in CLIENT_SETTINGS.items():
        os.environ.setdefault(name, value)


def request_timeout() -> int:
    """Return the seconds that a request may take: ``XRD_REQUESTTIMEOUT``."""
    text = os.environ.get("XRD_REQUESTTIMEOUT", CLIENT_SETTINGS["XRD_REQUESTTIMEOUT"])
    if not text.isdecimal() or not int(text):
        raise ConfigError(f"XRD_REQUESTTIMEOUT is {text!r}, expected a positive integer, in seconds")
    return int(text)


def file_system(url: str) -> tuple[Any, str]:
    """Return fsspec's file system of a URL for this thread, and the path on it."""
    import fsspec

    if not url.startswith(_SCHEME):
        raise ConfigError(f"{url} can't be read: of URLs only root://host//path is understood")
    prepare_client()
    system, path = fsspec.core.url_to_fs(with_token(url), **_options())
    return system, str(path)


def _options() -> dict[str, Any]:
    # fsspec shares a file system between threads if the options are equal, and one would close the files of another.
    return {"timeout": request_timeout(), "thread": threading.get_ident()}


@contextlib.contextmanager
def open_root(location: str) -> Iterator[Any]:
    """Open a ROOT file, and close it at the end of the block.

    Args:
        location: path or URL.
    """
    if not is_remote(location):
        from pocket.io.nanoaod.local_source import open_local

        with open_local(Path(location)) as file:
            yield _with_known_classes(file)
        return
    import uproot

    system, path = file_system(location)
    try:
        with uproot.open(with_token(location), **_options()) as file:
            yield _with_known_classes(file)
    finally:
        forget_handles(system, path)


def _with_known_classes(file: Any) -> Any:
    """Make a file look up its classes once each, since uproot repeats this for each branch."""
    file.file.class_named = functools.cache(file.file.class_named)
    return file


def forget_handles(system: Any, path: str) -> None:
    """Close a file that the file system still has open."""
    # Otherwise the next reader would get the broken handle of a server that failed, and Python would complain at exit.
    # The first call waits for half a second at most, but keeps handles that don't close; the second keeps none.
    with contextlib.suppress(OSError):
        system.invalidate_cache()
    with contextlib.suppress(OSError):
        system.invalidate_cache(path)


@functools.cache
def client_is_installed() -> bool:
    """Tell whether the packages of the client are installed."""
    return all(importlib.util.find_spec(package) for package in ("fsspec_xrootd", "XRootD"))
