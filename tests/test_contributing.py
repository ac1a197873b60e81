"""The guide for contributors: it names files that exist, and all packages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import pocket

REPOSITORY = Path(__file__).absolute().parents[1]
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = "## Where do I change …?"
#: what stands in backticks without spaces or other signs
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")
FILE = re.compile(r"\.(cfg|cff|lock|md|py|toml)$")


def paths(text: str) -> list[str]:
    """Return what is in backticks and named like a file or folder of the repository."""
    found = PATH.findall(text)
    return [path for path in found if "/" in path or (REPOSITORY / path).exists() or FILE.search(path)]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the tables below a heading."""
    section = CONTRIBUTING.partition(f"{heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if set("".join(row)) - {"-", " "}]


def test_named_files_exist() -> None:
    named = sorted(set(paths(CONTRIBUTING)))
    assert len(named) >= 100
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_table_of_changes() -> None:
    _, *changes = rows(TABLE)
    assert len(changes) >= 20
    for kind, code, documentation, tests in changes:
        assert paths(code), kind
        assert all(path.startswith("docs/") for path in paths(documentation)), kind
        assert paths(documentation), kind
        assert all(path.startswith("tests/") for path in paths(tests)), kind
        assert paths(tests), kind


def test_map_has_the_floors_of_the_contracts() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = {
        (f"{container}/{package.strip()}", str(number))
        for contract in contracts
        for container in contract.get("containers", ())
        for number, floor in enumerate(reversed(contract["layers"]), start=1)
        for package in floor.split("|")
    }
    assert floors
    numbered = [row for row in rows("## The map") if row[0].isdigit()]
    assert {(paths(package)[0].removesuffix(".py"), number) for number, package, _ in numbered} == floors


def test_helpers_of_tests_are_listed() -> None:
    readme = (REPOSITORY / "tests" / "README.md").read_text(encoding="utf-8")
    listed = {path for path in PATH.findall(readme) if path.endswith(".py")}
    helpers = {path.name for path in (REPOSITORY / "tests").glob("*.py") if not path.name.startswith(("test_", "__"))}
    assert helpers - listed == set()
    assert [path for path in listed if not (REPOSITORY / "tests" / path).exists()] == []


def test_version_and_date_of_the_release_agree() -> None:
    version = pocket.__version__
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == version
    newest = re.search(r"^## (\S+) \((\S+)\)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest.groups() == (version, citation["date-released"].isoformat())
