"""A member of a group, with a umask of their own, who uses a store: ``group_member.py <user> <group> <umask>``.

Each line is a list in JSON: the name of a function and its arguments; what it returns is printed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pocket.datasets.catalogues.cache import AnswerCache, FileCache
from pocket.errors import PocketError
from pocket.io.store.paths import own_folder
from pocket.io.store.publishing import prepare_places, replacing_file
from tests.pocket.io.store import test_output, writer


def write(directory: str, first: int, times: int = 1) -> None:
    """Write an output several times, as a task does."""
    prepare_places([Path(directory).parent])
    for number in range(first, first + times):
        writer.write(Path(directory), number)


def holds(directory: str) -> int:
    """Return the number that an output holds."""
    return test_output.holds(Path(directory))


def remember(folder: str, name: str) -> None:
    """Keep what catalogues answer."""
    AnswerCache(Path(folder), 1).put("question", name)
    FileCache(Path(folder, "files.jsonl")).put(name, name)


def remembered(folder: str, name: str) -> list[Any]:
    """Return what catalogues have answered."""
    return [AnswerCache(Path(folder), 1).get("question"), FileCache(Path(folder, "files.jsonl")).get(name)]


def record(path: str, text: str) -> str:
    """Replace a file, and return what was in it."""
    before = Path(path).read_text() if Path(path).exists() else ""
    with replacing_file(Path(path)) as file:
        file.write(text.encode())
    return before


def make_own(folder: str) -> str:
    """Make a folder of one's own, and return its name."""
    own_folder(Path(folder)).mkdir(exist_ok=True)
    return own_folder(Path(folder)).name


def die(directory: str) -> None:
    """Be killed while an output is written."""
    with writer.write_output(Path(directory), task="Write", inputs={}) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "half").touch()
        os._exit(9)


ACTIONS: dict[str, Callable[..., Any]] = {
    action.__name__: action for action in (write, holds, remember, remembered, record, make_own, die)
}

if __name__ == "__main__":
    # What is looked up once per process is known then: the code may be where nobody else can read it.
    with tempfile.TemporaryDirectory() as folder:
        writer.write(Path(folder, "first"), 0)
    user, group, umask = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3], 8)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    os.umask(umask)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            print(json.dumps(ACTIONS[name](*arguments)), flush=True)
        except (OSError, PocketError) as error:
            print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
