"""Native package of a configuration file of PocketCoffea, written from what is loaded of it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocket.base.fingerprint.modules import OWN_PACKAGES, is_library
from pocket.base.snapshots.process import original
from pocket.base.snapshots.siblings import analysis_files
from pocket.compat.own_modules import OwnModules
from pocket.compat.rewriting import Rewriting
from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import load_analysis
from pocket.configuration.plain_files import names_of
from pocket.errors import ConfigError
from pocket.parameters.locations import project_root
from pocket.parameters.plain import to_plain
from pocket.parameters.shipped import shipped_root

_INIT = '''"""Analysis {name}, made of {file} by ``law run Migrate``."""

from pocket import Analysis

from {module} import cfg

analysis = Analysis(name="{name}", configs={{"{configuration}": cfg}}, default_config="{configuration}")
'''
#: Prints nothing if an analysis loads, else why not.
_CHECK = """
import sys
from pocket import load_analysis
from pocket.errors import PocketError
try:
    analysis = load_analysis(sys.argv[1])
    analysis.config(analysis.default_config)
except PocketError as error:
    sys.exit(f"{error}")
"""


@dataclass(frozen=True)
class Written:
    """A written package: its folder, the files relative to it, and what was changed."""

    folder: Path
    files: tuple[Path, ...]
    rewriting: Rewriting


def load_noting_files(path: Path) -> tuple[Analysis, frozenset[Path]]:
    """Return the analysis of a configuration file that isn't loaded yet, and the files that were opened to load it."""
    with _opened_files() as opened:
        analysis = load_analysis(str(path))
    return analysis, frozenset(Path(original(file)) for file in opened)


def default_folder(path: Path) -> Path:
    """Return the folder of the package of a configuration file: ``analysis/NAME`` in the project."""
    return Path(original(project_root())) / "analysis" / _identifier(names_of(path)[0])


def write_package(path: Path, analysis: Analysis, opened: Collection[Path], folder: Path) -> Written:
    """Write a configuration file, with all that it needs of its repository, as a package."""
    check_target(folder)
    if list(analysis.configs) != [names_of(path)[1]]:
        raise ConfigError(f"{path} defines an analysis already, so copy its folder")
    return _Package(path, analysis, opened).write(folder)


def check_target(target: Path) -> None:
    """Check that a package may be written to a folder."""
    if target.exists() or target.is_symlink():
        raise ConfigError(f"{target} exists: name another folder by --to, or remove it")
    name = target.name
    if not name.isidentifier():
        raise ConfigError(
            f"{target}: {name!r} can't be the name of a package, which has letters, digits and underscores"
        )
    if name in OWN_PACKAGES or is_library(name):
        raise ConfigError(f"{target}: there is a package {name} already, so name another folder by --to")


class _Package:
    """The package that a configuration file becomes.

    Its folder is the smallest one with all that is used: paths between its files stay as they are.
    """

    def __init__(self, path: Path, analysis: Analysis, opened: Collection[Path]) -> None:
        self._path = path
        (self._config,) = analysis.configs.values()
        self._modules = OwnModules(path)
        self._opened = opened
        data = set(self._data())
        sources = [file for file in self._modules.modules if file.name != "__init__.py"]
        self._root = Path(os.path.commonpath([path.parent, *(file.parent for file in (*sources, *data))]))
        folders = {file.parent for file in sources}
        beside = {
            file
            for file in map(Path, analysis_files(path))
            if file.suffix != ".py" and (file.is_relative_to(path.parent) or file.parent in folders)
        }
        self._files = sorted({*data, *beside})

    def write(self, target: Path) -> Written:
        """Write the package beside its folder, and move it there when it loads."""
        needs, weights = (tuple(getattr(self._config, name, ())) for name in ("only_theirs", "their_weights"))
        rewriting = Rewriting(self._modules, self._place, needs, weights, self._relative_paths())
        own = {place: module for path, module in self._modules.modules.items() if (place := self._place(path))}
        texts = {place: rewriting.text(module) for place, module in own.items()}
        texts[Path("__init__.py")] = "\n".join([*filter(None, [texts.get(Path("__init__.py"))]), self._init()])
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".migrate-", dir=target.parent))
        try:
            made = work / target.name
            for place, text in texts.items():
                (made / place).parent.mkdir(parents=True, exist_ok=True)
                (made / place).write_text(text, encoding="utf-8")
            for file in self._files:
                copied = made / file.relative_to(self._root)
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copied)
            _check_loads(made, self._path)
            check_target(target)
            made.rename(target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        files = sorted(texts) + [file.relative_to(self._root) for file in self._files]
        return Written(target, tuple(files), rewriting)

    def _init(self) -> str:
        name, configuration = names_of(self._path)
        place = self._place(self._path)
        assert place is not None
        module = "." + ".".join(place.with_suffix("").parts)
        return _INIT.format(name=name, configuration=configuration, file=self._path.name, module=module)

    def _place(self, path: Path) -> Path | None:
        """Return where a file or folder is in the package."""
        if not path.is_relative_to(self._root):
            return None
        place = path.relative_to(self._root)
        return place.with_name(f"{_identifier(path.stem)}.py") if path == self._path else place

    def _data(self) -> Iterator[Path]:
        """Yield the files of the repository that are read when the configuration is loaded, or that it names."""
        named = _strings([to_plain(self._config.parameters), self._config.workflow_options])
        files = {*self._opened, *(Path(original(text)) for text in named if text.startswith("/"))}
        yield from (file for file in files if self._is_data(file))

    def _is_data(self, file: Path) -> bool:
        is_source = file.suffix in (".py", ".pyc") or "__pycache__" in file.parts
        return not is_source and file.is_relative_to(self._modules.root) and file.is_file()

    def _relative_paths(self) -> Mapping[str, Path]:
        """Return relative path in the sources → file, of files that are found from the old place only."""
        found: dict[str, Path] = {}
        project = [Path(original(folder)) for folder in (project_root(), shipped_root())]
        for folder in (Path.cwd(), self._path.parent):
            for file in self._opened:
                for above in file.parents:
                    if above == folder and not any(file == root / file.relative_to(above) for root in project):
                        found[file.relative_to(above).as_posix()] = file
        return found


def _check_loads(folder: Path, path: Path) -> None:
    # Another process has none of the modules of the configuration file.
    command = [sys.executable, "-c", _CHECK, str(folder)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["it ended without a message"]
        reason = lines[-1].replace(str(folder), folder.name)
        raise ConfigError(f"{path} can't become a package as it is, nothing is written: {reason}")


def _identifier(name: str) -> str:
    text = re.sub(r"\W", "_", name)
    return text if text.isidentifier() else f"_{text}"


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _strings(value)


@contextlib.contextmanager
def _opened_files() -> Iterator[set[str]]:
    """Collect the absolute paths of all files that are opened in this block."""
    opened: set[str] = set()
    collects = True

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if collects and event == "open" and isinstance(arguments[0], str):
            opened.add(os.path.abspath(arguments[0]))  # noqa: PTH100

    # A hook can't be removed.
    sys.addaudithook(note)
    try:
        yield opened
    finally:
        collects = False
