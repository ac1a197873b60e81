"""The files of a checkout or an analysis that are its code: those that git has or would add, and no secrets."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocket.errors import ConfigError

#: folders that are no code, or of secrets, also where git isn't told to ignore them
_LEFT_OUT = frozenset({".git", ".venv", ".law", "__pycache__", ".condor", ".globus", ".ssh"})
#: proxies, tokens, keys, passwords
_SECRET_NAME = re.compile(
    r"x509up_u\d+.*|bt_u\d+.*|krb5cc.*|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx)"
    r"|\.env|\.netrc|\.git-credentials|rucio\.cfg"
)
#: whatever its name: a key in PEM, as in proxies, or nothing but a JSON web token
_SECRET_CONTENT = re.compile(rb"^-----BEGIN [A-Z ]*PRIVATE KEY-----\s*$|\A\s*eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*\s*\Z", re.M)
#: secrets are small, in bytes
_LARGEST_SECRET = 1_000_000


def source_files(folder: Path) -> list[Path]:
    """Return the files of a folder, relative to it and sorted.

    Changes that aren't committed and files that aren't added count. Repositories in the folder are looked into; a
    folder that belongs to no repository has all its files that no ``.gitignore`` excludes. A link counts as the file
    that it leads to; one to a folder doesn't count.

    Raises:
        ConfigError: if git fails.
    """
    return sorted(file.relative_to(folder) for file in _files(folder) if not is_secret(file))


def is_secret(path: Path) -> bool:
    """Tell whether a file is a proxy, a token or a key, by its name or its content."""
    if _SECRET_NAME.fullmatch(path.name):
        return True
    return path.stat().st_size <= _LARGEST_SECRET and _SECRET_CONTENT.search(path.read_bytes()) is not None


def _files(folder: Path) -> Iterator[Path]:
    for name in _listed(folder):
        path = folder / name
        if not _LEFT_OUT.isdisjoint(Path(name).parts):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink():
            # a repository in it, of which git only gives the folder
            yield from _files(path)


def _listed(folder: Path) -> list[str]:
    if _git("rev-parse", "--is-inside-work-tree", folder=folder, fails=True):
        return _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder).split("\0")[:-1]
    with tempfile.TemporaryDirectory() as nothing:
        _git("init", "--quiet", nothing, folder=folder)
        repository = (f"--git-dir={nothing}/.git", f"--work-tree={folder}")
        return _git(*repository, "ls-files", "-z", "--others", "--exclude-standard", folder=folder).split("\0")[:-1]


def _git(*arguments: str, folder: Path, fails: bool = False) -> str:
    """Return what git prints; nothing where it may fail because the folder belongs to no repository, and does."""
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    except OSError as error:
        raise ConfigError(f"the files of {folder} can't be listed: git can't be run: {error}") from None
    if run.returncode == 0:
        return run.stdout
    if fails and "not a git repository" in run.stderr:
        return ""
    raise ConfigError(f"the files of {folder} can't be listed: git {arguments[0]}: {' '.join(run.stderr.split())}")
