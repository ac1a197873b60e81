"""Spelling and style of README, pages and docstrings: codespell, proselint, and rules of the repository."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.checkout import REPOSITORY
from tests.docs.prose import docstring_texts, page_text, write_prose

RULES: Mapping[str, str] = yaml.safe_load((Path(__file__).parent / "prose_rules.yaml").read_text(encoding="utf-8"))
#: words that are right although a rule finds them
RIGHT = ("had had", "that that")


@pytest.fixture(scope="module")
def prose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the prose of all pages and docstrings, in files named after them."""
    folder = tmp_path_factory.mktemp("prose")
    write_prose(folder)
    return folder


def findings(prose: Path, *command: str) -> list[str]:
    """Return the lines that a checker prints about the prose, with paths of the repository."""
    result = subprocess.run(
        [sys.executable, "-m", *command, str(prose)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert not result.stderr.strip(), result.stderr
    return [line.replace(f"{prose}/", "").replace(".txt:", ":") for line in result.stdout.splitlines() if line.strip()]


def test_spelling(prose: Path) -> None:
    assert findings(prose, "codespell_lib") == []


def test_style(prose: Path) -> None:
    assert findings(prose, "proselint", "check", "-o", "compact") == []


def test_plain_words(prose: Path) -> None:
    found = []
    for path in sorted(prose.rglob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for pattern, better in RULES.items():
                match = re.search(pattern, line, re.IGNORECASE)
                if match and match[0].lower() not in RIGHT:
                    where = path.relative_to(prose).as_posix().removesuffix(".txt")
                    found.append(f"{where}:{number}: {match[0]!r}: {better}")
    assert found == [], "\n".join(found)


def test_prose_is_without_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("One `cmd` and\n```python\nwhole number\n```\nmore <!-- whole number --> text\n")
    text = page_text(page)
    assert "whole number" not in text
    assert text.splitlines()[4].split() == ["more", "X", "text"]
    module = tmp_path / "module.py"
    module.write_text('"""Head.\n\n>>> whole_number()\n"""\n\n\ndef f():\n    """Return ``whole numbers``."""\n')
    assert [(line, "whole" in text) for line, text in docstring_texts(module)] == [(1, False), (8, False)]
