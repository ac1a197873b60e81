"""The remote store that the environment or law.cfg names."""

from __future__ import annotations

import functools
import importlib
import os
import re
from pathlib import Path
from typing import Any

import law

from pocket.base.runtime.remarks import remark
from pocket.errors import ConfigError, check_known
from pocket.io.store import store_root

SECTION = "store"
VARIABLE = "POCKET_REMOTE_STORE"
_OPTIONS = ("read", "remote", "tasks")
# Options after '?' are refused, since they may hold a token and addresses are written into outputs.
_ADDRESS = re.compile(r"root://[^/?#]+/(/[^/?#]+)+")


def remote_store() -> str | None:
    """Return the URL of the remote store: ``$POCKET_REMOTE_STORE``, else ``remote`` in ``[store]`` of law.cfg."""
    options = law.config.options(SECTION) if law.config.has_section(SECTION) else ()
    check_known("option", options, _OPTIONS, f"[{SECTION}] of law.cfg")
    place, url = f"${VARIABLE}", os.environ.get(VARIABLE, "")
    if not url:
        place, url = f"remote in [{SECTION}] of law.cfg", _option("remote")
    if not url:
        return None
    url = url.rstrip("/")
    if not _ADDRESS.fullmatch(url):
        raise ConfigError(f"{place} is {url!r}, expected root://host//path (two slashes after the host, no '?')")
    return url


def read_stores() -> tuple[Path, ...]:
    """Return the stores that are searched after the own one, and only read: ``read`` in ``[store]`` of law.cfg."""
    return _folders(_option("read"), store_root())


@functools.cache
def _folders(text: str, own: Path) -> tuple[Path, ...]:
    folders = [Path(name.strip()).expanduser().absolute() for name in text.split(",") if name.strip()]
    for folder in folders:
        if not folder.is_dir():
            remark(f"{folder}, which read in [{SECTION}] of law.cfg names, isn't there: no output is searched in it")
    return tuple(folder for folder in folders if folder.is_dir() and folder != own.absolute())


def remote_url(task: str, directory: Path) -> str | None:
    """Return the URL of an output in the remote store; ``None`` if there is none, or it isn't used for this task."""
    store = remote_store()
    if store is None or task not in (_names(_option("tasks")) or (task,)):
        return None
    return "/".join([store, *directory.relative_to(store_root()).parts])


@functools.cache
def _names(tasks: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list, which must be those of tasks."""
    names = tuple(name.strip() for name in tasks.split(",") if name.strip())
    if names:
        check_known("task", names, _known_tasks(), f"tasks in [{SECTION}] of law.cfg")
    return names


def _known_tasks() -> list[str]:
    modules = [importlib.import_module(name) for name in law.config.options("modules")]
    classes = {cls for module in modules for cls in vars(module).values() if isinstance(cls, type)}
    # Only tasks with outputs in the store have a place in the remote one.
    tasks: list[Any] = [cls for cls in classes if hasattr(cls, "input_ids") and not getattr(cls, "exclude_index", True)]
    return sorted(task.task_family for task in tasks)


def _option(name: str) -> str:
    return str(law.config.get_expanded(SECTION, name, default="") or "") if law.config.has_section(SECTION) else ""
