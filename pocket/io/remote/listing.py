"""Lists of files on XRootD servers."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pocket.errors import BadFileError, DatasetError
from pocket.io.remote.attempts import first_readable
from pocket.io.remote.client import file_system, forget_handles
from pocket.io.remote.failures import why_unreadable

_URL = re.compile(r"root://[^/]+/(/[^/].*)")
_MORE_SLASHES = re.compile(r"^(root://[^/]+/)/+(?=/[^/])")


def two_slashes(url: str) -> str:
    """Return a URL with two slashes after the host; PocketCoffea's filesets for the redirector have three.

    >>> two_slashes("root://xrootd-cms.infn.it///store/a.root")
    'root://xrootd-cms.infn.it//store/a.root'
    """
    return _MORE_SLASHES.sub(r"\1", url)


def remote_path(url: str) -> str:
    """Return the path of a URL on its server.

    >>> remote_path("root://host:1094//store/a.root")
    '/store/a.root'
    """
    if not (match := _URL.fullmatch(url)):
        raise DatasetError(f"{url!r} is not of the form root://host//path (two slashes after the host)")
    return match[1]


def is_file_name(url: str) -> bool:
    """Tell whether a URL is that of a file and not of a folder: it ends in ``.root``.

    >>> is_file_name("root://host//store/a.root?authz=$TOKEN"), is_file_name("root://host//store/a")
    (True, False)
    """
    return PurePosixPath(url.partition("?")[0]).suffix == ".root" and not url.endswith("/")


def files_in(url: str) -> list[str]:
    """Return the URLs of all ``.root`` files in a folder and its subfolders, sorted."""
    found = [file for file in _list(url, magic=False) if is_file_name(file)]
    if not found:
        raise DatasetError(f"no .root file is in {url}")
    return found


def files_like(pattern: str) -> list[str]:
    """Return the URLs of the files that match a pattern with ``*``, ``?``, ``[…]`` or ``**``, sorted."""
    found = _list(pattern, magic=True)
    if not found:
        raise DatasetError(f"no file matches {pattern!r}")
    return found


def _list(url: str, *, magic: bool) -> list[str]:
    path = remote_path(url)

    def once(url: str) -> list[str]:
        # The whole URL isn't used, since '?' begins its options.
        system, _ = file_system(url[: len(url) - len(path)] + "/")
        # Otherwise listings are cached for ever.
        forget_handles(system, path)
        try:
            # Without on_error, folders that can't be listed are left out silently.
            found = (system.glob if magic else system.find)(path, detail=True, on_error="raise")
        except (OSError, ValueError) as error:
            raise BadFileError(f"{url} {why_unreadable(url, error)}") from error
        finally:
            forget_handles(system, path)
        return [system.unstrip_protocol(name) for name, info in found.items() if info.get("type") != "directory"]

    try:
        return sorted(first_readable([url], once).value)
    except BadFileError as error:
        raise DatasetError(str(error).replace("can't be read", "can't be listed", 1)) from error
