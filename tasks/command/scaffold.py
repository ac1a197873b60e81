"""New analyses: a repository of its own, or a package in the folder ``analysis`` of a checkout."""

from __future__ import annotations

import importlib.util
import json
import keyword
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from pocket import __version__
from pocket.errors import ConfigError, check_known
from pocket.parameters.shipped import engine_root, shipped_root

FOLDER = Path(__file__).with_name("skeleton")
#: end of the names of templates, so that no tool takes them for code
SUFFIX = ".in"
_VALUE = re.compile(r"\{\{(\w+)\}\}")
# Around lines, a mark is alone in its line, which goes as well.
_LINES = re.compile(r"^\{% if ([\w-]+) %\}\n(.*?)(?:^\{% else %\}\n(.*?))?^\{% end %\}\n", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"\{% if ([\w-]+) %\}(.*?)(?:\{% else %\}(.*?))?\{% end %\}")


def fill(text: str, parts: Collection[str], values: Mapping[str, str]) -> str:
    """Return the text of a template with its parts chosen and its values filled in.

    ``{{name}}`` stands for a value. ``{% if part %}…{% else %}…{% end %}`` stays if the part is chosen, in a line or
    around several lines; such parts aren't nested.

    >>> fill("a {{thing}}{% if more %} and more{% end %}", [], {"thing": "muon"})
    'a muon'
    """

    def choose(match: re.Match[str]) -> str:
        return match[2] if match[1] in parts else match[3] or ""

    chosen = _INLINE.sub(choose, _LINES.sub(choose, text))
    return _VALUE.sub(lambda match: values[match[1]], chosen)


def read(name: str, parts: Collection[str], values: Mapping[str, str]) -> str:
    """Return the text that a template gives, whose path in :data:`FOLDER` is given without its suffix."""
    text = (FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    return fill(text, parts, values)


#: part of an analysis, for ``--with`` → the file of the package that it adds, if any
PARTS = {
    "columns": None,
    "scale-factor": "scale_factors.py",
    "shape-variation": "calibrators.py",
    "skim": None,
}
#: kind of continuous integration, for ``--ci`` → its template and the file
CI = {
    "gitlab": ("gitlab-ci.yml", ".gitlab-ci.yml"),
    "github": ("github-ci.yml", ".github/workflows/ci.yml"),
    "none": None,
}
#: files that come with Pocketlaw unchanged, and that an update replaces
SHIPPED = ("requirements.lock", "setup.sh")
#: names of Pocketlaw's packages and of folders beside the analysis, which its package can't have
_TAKEN = ("analysis", "data", "datasets", "pocket", "store", "tasks", "tests")
_PACKAGE = ("__init__.py", "config.py", "cuts.py", "weights.py", "workflow.py", "params/selection.yaml")
_REPOSITORY = {
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "law.cfg": "law.cfg",
    "pyproject.toml": "pyproject.toml",
    "requirements.txt": "requirements.txt",
    "test_analysis.py": "tests/test_analysis.py",
}


def new_repository(name: str, folder: Path, parts: Collection[str] = (), source: str = "", ci: str = "gitlab") -> Path:
    """Make the repository of a new analysis and return its folder, which has the name of the analysis."""
    check_name(name)
    check_known("part", parts, PARTS, "--with")
    check_known("kind", [ci], CI, "--ci")
    values = {"name": name, "version": __version__, "source": requirement(source)}
    files = {f"{name}/{file}": text for file, text in _package(parts, values).items()}
    templates = dict(_REPOSITORY)
    if chosen := CI[ci]:
        templates[chosen[0]] = chosen[1]
    files |= {file: read(f"repository/{template}", parts, values) for template, file in templates.items()}
    files |= {file: (shipped_root() / file).read_text(encoding="utf-8") for file in (*SHIPPED, "datasets/toys.json")}
    return _write(folder / name, files)


def new_package(name: str, root: Path, parts: Collection[str] = ()) -> Path:
    """Make the package of a new analysis in a checkout, and return its folder."""
    check_name(name)
    check_known("part", parts, PARTS, "--with")
    if not (root / "analysis" / "__init__.py").is_file():
        raise ConfigError(f"{root} is no checkout of Pocketlaw: leave out --here to make a repository for the analysis")
    return _write(root / "analysis" / name, _package(parts, {"name": name}))


def check_name(name: str) -> None:
    """Check that an analysis and its package can have a name."""
    where = f"the analysis can't be named {name!r}"
    if not (name.isidentifier() and name.isascii()) or name.startswith("_"):
        raise ConfigError(f"{where}: a name has letters, digits and underscores, and begins with a letter")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise ConfigError(f"{where}: this is a keyword of Python")
    if name in sys.stdlib_module_names:
        raise ConfigError(f"{where}: this is a module of Python")
    if name in _TAKEN:
        raise ConfigError(f"{where}: Pocketlaw or the repository has a folder of this name")
    if (spec := importlib.util.find_spec(name)) is not None:
        place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
        raise ConfigError(f"{where}: a module of this name is there already, {place}")


def requirement(source: str = "") -> str:
    """Return the line of requirements.txt for a wheel, folder, URL or requirement, by default for this code's."""
    from packaging.requirements import InvalidRequirement, Requirement

    source = source or _own_source()
    if Path(source).exists():
        return f"pocketlaw @ file://{quote(str(Path(source).resolve()))}"
    if "://" in source and "@ " not in source:
        return f"pocketlaw @ {source}"
    try:
        if Requirement(source).name == "pocketlaw":
            return source
    except InvalidRequirement:
        pass
    raise ConfigError(f"--source {source} is no file, folder, URL or requirement such as pocketlaw=={__version__}")


def update(root: Path) -> list[str]:
    """Replace the files of a repository that come with Pocketlaw by this release's; return the names of others."""
    if not (root / "requirements.txt").is_file() or not (root / "law.cfg").is_file():
        raise ConfigError(f"{root} isn't the repository of an analysis: source its setup.sh first")
    changed = []
    for name in SHIPPED:
        content = (shipped_root() / name).read_bytes()
        if not (root / name).is_file() or (root / name).read_bytes() != content:
            # Another shell may be reading the file just now.
            temporary = root / f".{name}.{os.getpid()}"
            temporary.write_bytes(content)
            temporary.replace(root / name)
            changed.append(name)
    return changed


def _own_source() -> str:
    try:
        installed = metadata.distribution("pocketlaw")
    except metadata.PackageNotFoundError:
        return str(engine_root())
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    url = str(origin.get("url", ""))
    if vcs := origin.get("vcs_info"):
        return f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    return url or f"pocketlaw=={__version__}"


def _package(parts: Collection[str], values: Mapping[str, str]) -> dict[str, str]:
    added = [file for part in sorted(parts) if (file := PARTS[part])]
    return {file: read(f"package/{file}", parts, values) for file in (*_PACKAGE, *added)}


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    with _new_folder(folder) as temporary:
        for name, text in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Make a folder that is there only once it is complete."""
    if os.path.lexists(folder):
        raise ConfigError(f"{folder} exists already: choose another name, or remove it")
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        inner = temporary / folder.name
        inner.mkdir()
        yield inner
        inner.rename(folder)
    except OSError as error:
        raise ConfigError(f"{folder} can't be made: {error.strerror} ({error.filename})") from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                shutil.rmtree(temporary)


def chosen_parts(texts: Sequence[str]) -> list[str]:
    """Return the parts that ``--with`` names, each of whose values may be a list with commas."""
    return list(dict.fromkeys(part for text in texts for part in text.replace(" ", "").split(",") if part))
