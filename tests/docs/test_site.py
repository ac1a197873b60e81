"""The site: pages of all public names, links of the files beside it, tables of the code, versions, offline pages."""

from __future__ import annotations

import html
import importlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import law
import luigi.retcodes
import pytest
import yaml

import pocket
from tasks.command.run import USAGE_ERROR
from tests.checkout import REPOSITORY

DOCS = REPOSITORY / "docs"
HOOKS = DOCS / "hooks"
#: pages of the repository that aren't part of the site
BESIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "tests/README.md")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
#: pages that messages and comments name
_NAMED = re.compile(r"docs/(?:[\w-]+/)+[\w-]+\.md(?:#[\w-]+)?|docs/[\w-]+\.md(?:#[\w-]+)?")


@pytest.fixture(scope="module")
def hooks() -> Any:
    """Hooks of the build by name, as mkdocs loads them."""

    class Hooks:
        def __getattr__(self, name: str) -> Any:
            return importlib.import_module(name)

    sys.path.insert(0, str(HOOKS))
    yield Hooks()
    sys.path.remove(str(HOOKS))


def navigation() -> set[str]:
    """Return the pages of the navigation."""
    entries = [yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]]
    pages = set()
    while entries:
        entry = entries.pop()
        if isinstance(entry, str):
            pages.add(entry)
        else:
            entries += entry.values() if isinstance(entry, dict) else entry
    return pages


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading)).strip().lower()
        found |= {re.sub(r"[\s-]+", "-", plain), re.sub(r"\s", "-", plain)}
    return found


def dead(target: str, folder: Path) -> str:
    """Return what a link lacks, nothing if it leads somewhere."""
    path, _, anchor = target.partition("#")
    page = (folder / path).resolve() if path else folder
    if not page.exists():
        return f"{target}: no such file"
    return f"{target}: no such heading" if anchor and anchor not in anchors(page) else ""


@pytest.mark.parametrize("name", BESIDE)
def test_links_of_pages_beside_the_site(name: str) -> None:
    page = REPOSITORY / name
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [fault for link in links if (fault := dead(link, page.parent))] == []


def test_links_of_pages(hooks: Any) -> None:
    generated = {hooks.api_pages.page_of(face) for face in hooks.api_pages.FACES}
    generated |= {f"notebooks/{path.stem}.md" for path in hooks.notebook_pages.NOTEBOOKS.glob("*.py")}
    faults = []
    for page in sorted(DOCS.rglob("*.md")):
        text = re.sub(
            r"^ *```.*?^ *```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        for link in _LINK.findall(text):
            target = os.path.relpath((page.parent / link.partition("#")[0]).resolve(), DOCS)
            if "://" in link or not link.partition("#")[0].endswith(".md") or target in generated:
                continue
            if fault := dead(link, page.parent):
                faults.append(f"{page.relative_to(DOCS)}: {fault}")
    assert faults == []


def test_pages_that_messages_name() -> None:
    files = subprocess.check_output(
        ["git", "ls-files", "pocket", "tasks", "*.cfg", "params"], cwd=REPOSITORY, text=True
    )
    faults = []
    for name in files.split():
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        faults += [f"{name}: {fault}" for link in _NAMED.findall(text) if (fault := dead(link, REPOSITORY))]
    assert faults == []


def test_each_public_name_has_a_page(hooks: Any) -> None:
    pages, made = navigation(), hooks.api_pages
    assert set(pocket.__all__) - set(made.public_names("pocket")) == {
        face.removeprefix("pocket.") for face in made.FACES if face.startswith("pocket.")
    } & set(pocket.__all__)
    for face in made.FACES:
        assert made.page_of(face) in pages
        text = made.to_markdown(face)
        for name in made.public_names(face):
            assert f"\n::: {face}.{name}\n" in text
            # This is how mkdocstrings finds it.
            assert hooks.tables.read(f"{face}.{name}").name == name


def test_each_page_is_in_the_navigation(hooks: Any) -> None:
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages - navigation() == set()


def test_tables_of_the_code(hooks: Any) -> None:
    tables = hooks.tables
    arguments = tables.arguments("pocket.Configurator")
    assert "| `skim` | `Sequence[Cut]` | `()` | cuts on NanoAOD columns, before objects are defined. |" in arguments
    assert [row for row in arguments.splitlines()[2:] if row.endswith("|  |")] == []
    analysis = tables.arguments("pocket.Analysis")
    assert "`broken`" not in analysis
    assert "| `default_config` | `str` |  |" in analysis
    options = tables.options()
    for task, option in {"PlotTemplates": "--variables", "BuildDatasets": "--check", "FitModel": "--card"}.items():
        section = options.partition(f"### `{task}`")[2].partition("\n### ")[0]
        assert f"| `{option}` |" in section
    assert options.count("| `--version` |") == 1
    assert [row for row in options.splitlines() if re.fullmatch(r"\| `--\S+` \|\s*\|", row)] == []
    fits = tables.arguments("pocket.scale_factors.TagAndProbeFit")
    assert [row for row in fits.splitlines()[2:] if row.endswith("|  |")] == []
    assert "`eras/2018.yaml`" in tables.shipped_parameters()
    assert "| `ClosureError` | `PocketError` |" in tables.errors()
    assert tables.cell("a|b `c|d<e>` or ``f``") == "a\\|b <code>c&#124;d&lt;e&gt;</code> or `f`"


def test_exit_codes_are_those_that_a_command_ends_with(hooks: Any) -> None:
    named = {name for name, _ in luigi.retcodes.retcode.get_params()}
    assert set(hooks.tables.CODES) == set(law.config.options("luigi_retcode")) == named
    codes = {int(law.config.get("luigi_retcode", name)) for name in named}
    # also an unknown task in law's own words, and what shells say of a signal
    codes |= {0, 1, USAGE_ERROR, 128 + signal.SIGINT, 128 + signal.SIGTERM}
    rows = [row.split(" | ")[0] for row in hooks.tables.exit_codes().splitlines()[2:]]
    assert sorted(int(code) for row in rows for code in re.findall(r"`(\d+)`", row)) == sorted(codes)


def test_formulas(hooks: Any) -> None:
    class Page:
        meta: dict[str, Any] = {}  # noqa: RUF012

    page = Page()
    text = hooks.formulas.on_page_markdown("with $`x_i`$\n\n```math\n\\frac{a}{b}\n```\n", page=page)
    assert "$" not in text
    assert "```" not in text
    made = hooks.formulas.on_page_content(text, page=page)
    assert made.count("<math") == 2
    assert "<mfrac>" in made


def test_docstrings(hooks: Any) -> None:
    made = hooks.docstrings
    assert made.without_roles("see :class:`~pocket.cuts.Cut` and :mod:`pocket.io`") == "see `Cut` and `pocket.io`"
    assert made.with_examples("Head.\n\n>>> 1\n1\n\nMore.") == "Head.\n\n```pycon\n>>> 1\n1\n```\n\nMore."
    assert made.with_examples("Head.\n\nExample:\n    >>> 1\n    1") == "Head.\n\nExamples:\n    >>> 1\n    1"


def test_versions(hooks: Any, tmp_path: Path) -> None:
    for name in ("0.9.0", "0.10.0"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text("")
    hooks.versions.write_chooser(tmp_path)
    assert [entry["version"] for entry in json.loads((tmp_path / "versions.json").read_text())] == ["0.10.0", "0.9.0"]
    assert re.findall(r'href="([^"]*)"', (tmp_path / "index.html").read_text()) == ["0.10.0/", "0.9.0/"]
    assert hooks.versions.version() == pocket.__version__


def test_pictures(hooks: Any) -> None:
    for name in hooks.drawings.DRAWN:
        drawn = hooks.drawings.draw(name)
        assert drawn.startswith("<?xml")
        assert f"](../pictures/{name}.svg)" in "".join(path.read_text() for path in DOCS.rglob("*.md"))
    assert (DOCS / "pictures" / "before_after.png").stat().st_size < 100_000


def test_configuration_of_the_readme() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(block.splitlines()) <= 40
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["analysis"].config("calibrated").scale_factors == ("muon_id",)


@pytest.mark.slow
def test_site_needs_no_other_server(tmp_path: Path) -> None:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    site = tmp_path / pocket.__version__
    assert json.loads((tmp_path / "versions.json").read_text())[0]["version"] == pocket.__version__
    assert (site / "search" / "search_index.json").is_file()
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"([^\"]*)\"|<link[^>]* href=\"([^\"]*)\"", text)
        others = [html.unescape(first or second) for first, second in loaded]
        assert [url for url in others if re.match(r"(https?:)?//", url)] == [], page


def test_tables_stand_in_the_pages(hooks: Any) -> None:
    tables, number = hooks.tables, 0
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert tables.with_tables(text) == text, f"python docs/hooks/tables.py writes the tables of {page.name} again"
        number += text.count("<!-- end of the table -->")
    assert number > 10
    changed = "<!-- exit codes -->\n\nan old table\n\n<!-- end of the table -->\n\nNext.\n"
    made = tables.with_tables(changed)
    assert "an old table" not in made
    assert tables.exit_codes() in made
    assert made.endswith("\n\n<!-- end of the table -->\n\nNext.\n")


def test_shipped_parameters_are_shown(hooks: Any) -> None:
    page = (DOCS / "reference" / "shipped_parameters.md").read_text(encoding="utf-8")
    shown = hooks.tables.on_page_markdown(page)
    assert "when the pages are built" in page
    assert "when the pages are built" not in shown
    assert "## `eras/2018.yaml`" in shown


def test_options_are_not_broken(hooks: Any) -> None:
    unbroken = hooks.options.unbroken
    whole = '<span class="option">--print-status</span>'
    assert unbroken("<p><code>law run T --print-status -1</code></p>").startswith(f"<p><code>law run T {whole} <span")
    for other in (
        "<pre><span></span><code>law run --version v1</code></pre>",
        "<pre><code>law run --version v1</code></pre>",
        "<code>well-known</code>",
        "<p>a -- b</p>",
    ):
        assert unbroken(other) == other
