"""Walks pages of the documentation as a reader does: commands, code and files as they are written.

    python -m tests.walk docs/tutorials/from_nothing.md [--update | --renew] [--pictures FOLDER] [--keep FOLDER]

``--update`` writes into the page what was really printed, where that isn't what it shows; ``--renew`` does so
everywhere, also where ``…`` stands for most of it. ``--pictures`` collects the plots that pages show, by default in
``build/pictures``, where ``mkdocs build`` takes them from.
``tests/pages.py`` has the notation.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.pages import (
    ROOT,
    Block,
    agrees,
    apply_diff,
    beginning_of,
    page_of,
    read_blocks,
    read_marks,
    shortened,
    with_outputs,
)

#: the home of the reader, in what pages show
HOME = "/home/me"

PICTURES = ROOT / "build" / "pictures"

_PYTHON = """
import ast, sys, traceback
names = {"__name__": "__main__"}
reply = sys.stdout
for path in sys.stdin:
    path = path.strip()
    with open(path + ".out", "w") as sys.stdout:
        sys.stderr = sys.stdout
        try:
            tree = ast.parse(open(path).read())
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, path, "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), path, "eval"), names)
                if value is not None:
                    print(repr(value))
            code = 0
        except BaseException:
            traceback.print_exc()
            code = 1
    print(code, file=reply, flush=True)
"""


class PageError(AssertionError):
    """A page doesn't do what it says."""


@dataclass
class Session:
    """A process that runs one block after the other, as a shell or an interpreter does.

    Args:
        command: the process, which reads a line for each block and answers by a line with the exit code.
        folder: where blocks and what they print are written.
        environment: its variables.
        directory: its working directory.
        request: makes the line of the path of a block.
    """

    command: Sequence[str]
    folder: Path
    environment: dict[str, str]
    directory: Path
    request: Callable[[Path], str]
    count: int = 0
    _process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.directory,
            env=self.environment,
            text=True,
            start_new_session=True,
        )

    def run(self, text: str) -> tuple[int, str]:
        """Run a block, and return its exit code and what it printed."""
        self.count += 1
        path = self.folder / f"{Path(self.command[0]).name}{self.count}"
        path.write_text(text, encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self.request(path) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        # A shell that a command has ended doesn't answer.
        code = int(answer) if answer else self._process.wait()
        output = path.with_name(path.name + ".out")
        return code, output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass
class Reader:
    """Somebody with a home folder that has a clone of Pocketlaw in it, and an open shell.

    Args:
        home: a folder that doesn't exist yet, or that of a reader before.
        pictures: where the plots of pages go.
        update: rewrite what pages show where that isn't what is printed.
        renew: rewrite all that pages show.
    """

    home: Path
    pictures: Path | None = None
    update: bool = False
    renew: bool = False
    _python: Session | None = None

    def __post_init__(self) -> None:
        self._blocks = self.home.with_name(self.home.name + ".blocks")
        self._blocks.mkdir(parents=True, exist_ok=True)
        if not self.home.exists():
            self.home.mkdir(parents=True)
            copy_files(self.home / "pocketlaw")
        self._shell = Session(
            ["bash", "--norc"],
            self._blocks,
            self._environment(),
            self.home,
            lambda path: f"source {path} >{path}.out 2>&1 </dev/null; echo $?",
        )

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shell.close()
        if self._python is not None:
            self._python.close()

    def _environment(self) -> dict[str, str]:
        """Return the variables of a new shell, in which the packages of the running Python are installed."""
        commands = self._blocks / "commands"
        commands.mkdir(exist_ok=True)
        uv = commands / "uv"
        stand_in = ROOT / "tests" / "linked_packages.py"
        uv.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        uv.chmod(0o755)
        named = ("POCKET", "LAW_", "PYTHON", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
        paths = [path for path in os.environ["PATH"].split(os.pathsep) if path != str(Path(sys.executable).parent)]
        return {
            **kept,
            "HOME": str(self.home),
            "PATH": os.pathsep.join([str(commands), *paths]),
            "POCKET_PYTHON": sys.executable,
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
            "MPLBACKEND": "agg",
        }

    def run(self, command: str, *, fails: int | None = None) -> str:
        """Run commands in the shell and return what they printed.

        Raises:
            PageError: they end with another exit code than 0, or than the given one.
        """
        stop = "set -e\n" if fails is None else ""
        code, text = self._shell.run(f"{stop}{command}\n{'set +e' if stop else ''}")
        return self._checked(command, code, text, fails or 0)

    def run_python(self, code: str, *, fails: int | None = None) -> str:
        """Run code in an interpreter that has been started in the shell, and return what it printed."""
        if self._python is None:
            variables = self._blocks / "variables"
            self.run(f"env -0 >{variables}")
            pairs = (pair.partition("=") for pair in variables.read_text().split("\0") if pair)
            environment = {name: value for name, _, value in pairs} | {"PYTHONWARNINGS": "ignore"}
            self._python = Session(["python", "-c", _PYTHON], self._blocks, environment, self.directory(), str)
        return self._checked(code, *self._python.run(code), fails or 0)

    def _checked(self, text: str, code: int, printed: str, expected: int) -> str:
        printed = printed.replace(str(self.home), HOME)
        if code != expected:
            raise PageError(f"ended with exit code {code}, not {expected}:\n{text}\n--- printed\n{printed}")
        return printed

    def directory(self) -> Path:
        """Return the working directory of the shell."""
        return Path(self.run("pwd").strip().replace(HOME, str(self.home)))

    def walk(self, page: Path, *, files_only: bool = False) -> list[str]:
        """Walk a page.

        Args:
            page: the page.
            files_only: make the files, and run no tasks; for what begins where the page ends.

        Returns:
            What isn't as the page shows it; nothing if all is, or the page was updated.

        Raises:
            PageError: a step fails.
        """
        differences, updates = [], []
        marks = read_marks(page)
        for block in read_blocks(page):
            if not block.is_executed or (files_only and runs_tasks(block)):
                continue
            if "commands" in marks and block.kind != "shell":
                continue
            place = f"{page.relative_to(ROOT)}:{block.line}"
            try:
                printed = self._step(block)
            except (PageError, ValueError, OSError) as error:
                raise PageError(f"{place}: {error}") from error
            if block.output is None or files_only or (agrees(block.output, printed) and not self.renew):
                continue
            updates.append((block, shortened(printed)))
            differences.append(f"{place}: the page shows\n{block.output}--- printed\n{printed}")
        if (self.update or self.renew) and updates:
            page.write_text(with_outputs(page, updates), encoding="utf-8")
            return []
        return differences

    def _step(self, block: Block) -> str:
        fails = int(block.marks["fails"]) if "fails" in block.marks else None
        text = block.text.replace(HOME, str(self.home))
        if block.kind == "shell":
            return self.run(text, fails=fails)
        if block.kind == "python":
            return self.run_python(text, fails=fails)
        if block.kind == "picture":
            self._collect_picture(block)
            return ""
        path = self.directory() / block.title
        content = block.text
        if block.kind == "diff":
            content = apply_diff(path.read_text(encoding="utf-8"), content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return ""

    def _collect_picture(self, block: Block) -> None:
        found = sorted(self.directory().glob(block.text), key=lambda path: path.stat().st_mtime)
        if not found or found[-1].stat().st_size < 5000 or not found[-1].read_bytes().startswith(b"\x89PNG"):
            raise PageError(f"no picture {block.text}")
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            shutil.copy(found[-1], self.pictures / block.title)


def runs_tasks(block: Block) -> bool:
    """Return whether a block runs tasks or looks at what they made, instead of making files."""
    return block.kind in {"python", "picture"} or (block.kind == "shell" and "law run " in block.text)


def copy_files(folder: Path) -> None:
    """Copy the files of the project as they are now: those that git knows or would add.

    What Python and numba have compiled of the engine and the tasks comes with them, which takes half a minute, and so
    do the files' times.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    folders = (ROOT / "pocket", ROOT / "tasks")
    compiled = [str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("__pycache__/*.*")]
    for name in (*filter(None, listed.stdout.split("\0")), *compiled):
        # What git knows may be deleted, and what is being compiled just now may be there no longer.
        with suppress(FileNotFoundError):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


@contextmanager
def reader_of(page: Path, folder: Path, **options: Any) -> Iterator[Reader]:
    """Give a reader who has done what a page begins with.

    Args:
        page: the page.
        folder: of the reader; what a page begins with is kept in it for the next one.
        options: those of :class:`Reader`.
    """
    home, before = folder / "home", beginning_of(page)
    if before and not _directory(folder, before).exists():
        _begin(before, folder)
    shutil.rmtree(home, ignore_errors=True)
    if before:
        # A command makes a snapshot of the code, which is half of the files, where there is none.
        ignore = shutil.ignore_patterns("running-*")
        shutil.copytree(folder / before, home, symlinks=True, ignore=ignore, copy_function=_link_outputs)
    with Reader(home, **options) as reader:
        if before:
            reader.run(f"cd {_directory(folder, before).read_text()} && source setup.sh")
        yield reader


def _begin(name: str, folder: Path) -> None:
    """Keep what pages begin with: a tutorial without its detours, or all that another page does."""
    page = page_of(name)
    is_tutorial = page.parent.name == "tutorials"
    with reader_of(page, folder) as reader:
        reader.walk(page, files_only=is_tutorial)
        if is_tutorial:
            reader.run("law run PlotTemplates --version v1")
        keep(reader, folder, name)


def _directory(folder: Path, name: str) -> Path:
    """Return the file with the working directory of a reader who is kept."""
    return folder / f"{name}.directory"


def keep(reader: Reader, folder: Path, name: str) -> None:
    """Keep the home of a reader at the end of a page, under its name, for the pages that begin there."""
    _directory(folder, name).write_text(str(reader.directory()))
    reader.home.rename(folder / name)


def _link_outputs(source: str, target: str) -> None:
    """Copy a file, unless nobody changes it in its place."""
    if {"store", ".venv"} & set(Path(source).parts):
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)


def main() -> int:
    """Walk pages, and say what isn't as they show it."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--update", action="store_true", help="write what was printed into the pages")
    parser.add_argument("--renew", action="store_true", help="write all that was printed into the pages")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="folder for the plots of the pages")
    parser.add_argument("--keep", type=Path, help="folder of the reader, which is kept")
    options = parser.parse_args()
    code = 0
    with tempfile.TemporaryDirectory(prefix="walk-") as temporary:
        folder = options.keep.resolve() if options.keep else Path(temporary)
        for page in map(Path.resolve, options.pages):
            begin = time.monotonic()
            try:
                with reader_of(
                    page, folder, pictures=options.pictures, update=options.update, renew=options.renew
                ) as reader:
                    differences = reader.walk(page)
            except PageError as error:
                differences = [str(error)]
            print(f"{page.relative_to(ROOT)}: {len(differences)} differences, {time.monotonic() - begin:.0f} s")
            for difference in differences:
                print(difference, flush=True)
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
