"""Source files of a checkout or an analysis: those that git tracks or would add, without secrets."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from pocket.errors import ConfigError

#: Folders without code, or with secrets, left out even if git doesn't ignore them.
LEFT_OUT = frozenset({".git", ".venv", ".law", "__pycache__", ".condor", ".globus", ".ssh"})
#: Names of proxies, tokens, keys and passwords.
_SECRET_NAME = re.compile(
    r"x509up_u\d+.*|bt_u\d+.*|krb5cc.*|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx)"
    r"|\.env|\.netrc|\.pypirc|\.pgpass|\.git-credentials|rucio\.cfg|(.*[._-])?token"
)
#: Contents that are secrets under any name: a private key in PEM, as in proxies, a lone JSON web token, or a token of
#: GitHub or GitLab.
_SECRET_CONTENT = re.compile(
    rb"^-----BEGIN [A-Z ]*PRIVATE KEY-----\s*$|\A\s*eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*\s*\Z"
    rb"|\b(gh[oprsu]_\w{36}|github_pat_\w{40}|glpat-[\w-]{20})",
    re.MULTILINE,
)
#: Characters that stand for the bytes of a name in another encoding.
_NOT_DECODED = re.compile("[\udc80-\udcff]")
#: Largest secret in bytes.
_LARGEST_SECRET = 1_000_000


def source_files(folder: Path) -> list[Path]:
    """Return the files of a folder, relative to it and sorted, without secrets and names in another encoding.

    Uncommitted changes and untracked files count, as do files of nested repositories. A folder outside of any
    repository has all its files that no ``.gitignore`` excludes. A link to a file counts, one to a folder doesn't.
    """
    return [Path(name) for name in listed_files(folder) if not is_secret(folder / name)]


def listed_files(folder: Path, excluded: Iterable[str] = (), known: Container[str] = ()) -> list[str]:
    """Return the names of the files of a folder, relative to it and sorted; secrets are included.

    Git doesn't search excluded folders. The caller checks whether names that are known to be files still are.
    """
    return sorted(_files(str(folder), "", tuple(excluded), known))


def is_secret(path: Path) -> bool:
    """Tell whether a file is a proxy, a token or a key, by its name or its content."""
    if _SECRET_NAME.fullmatch(path.name):
        return True
    return path.stat().st_size <= _LARGEST_SECRET and has_secret("", path.read_bytes())


def has_secret(name: str, content: bytes) -> bool:
    """Tell whether a file of this name and content is a proxy, a token or a key."""
    if _SECRET_NAME.fullmatch(name):
        return True
    return len(content) <= _LARGEST_SECRET and _SECRET_CONTENT.search(content) is not None


def _files(folder: str, prefix: str, excluded: tuple[str, ...], known: Container[str]) -> Iterator[str]:
    # Strings are used instead of paths, since this is done at each start of a command.
    for name in _listed(folder, excluded):
        if name in known and not prefix:
            yield name
            continue
        if not LEFT_OUT.isdisjoint(name.split("/")):
            continue
        path = f"{folder}/{name}"
        if os.path.isfile(path):  # noqa: PTH113
            yield f"{prefix}{name}"
        elif os.path.isdir(path) and not os.path.islink(path.rstrip("/")):  # noqa: PTH112, PTH114
            # For a nested repository, git returns only the folder.
            inner = name.rstrip("/")
            yield from _files(f"{folder}/{inner}", f"{prefix}{inner}/", (), ())


def _listed(folder: str, excluded: tuple[str, ...]) -> list[str]:
    options = ("ls-files", "-z", "--others", "--exclude-standard", *(f"--exclude=/{name}/" for name in excluded))
    found = _git(*options, "--cached", folder=folder, fails=True)
    if found is None:
        with tempfile.TemporaryDirectory() as nothing:
            _git("init", "--quiet", nothing, folder=folder)
            found = _git(f"--git-dir={nothing}/.git", f"--work-tree={folder}", *options, folder=folder)
    # Names in another encoding can't be written down, so these files count as data.
    return [name for name in os.fsdecode(found or b"").split("\0")[:-1] if not _NOT_DECODED.search(name)]


def _git(*arguments: str, folder: str, fails: bool = False) -> bytes | None:
    """Return git's output; ``None`` if it failed and ``fails`` allows that, since the folder is in no repository."""
    try:
        # Its messages would be in the user's language.
        environment = {**os.environ, "LC_ALL": "C"}
        run = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, env=environment)
    except OSError as error:
        raise ConfigError(f"the files of {folder} can't be listed: git can't be run: {error}") from None
    if run.returncode == 0:
        return run.stdout
    reason = " ".join(run.stderr.decode(errors="replace").split())
    if fails and "not a git repository" in reason:
        return None
    raise ConfigError(f"the files of {folder} can't be listed: git {arguments[0]}: {reason}")
