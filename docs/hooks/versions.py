"""Versions of the documentation: a folder for each below the site, their list, and a page to choose from."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Pocketlaw: versions of the documentation</title>
<body style="font-family: system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>Pocketlaw</h1>
<p>Documentation by version:</p>
<ul>
{items}
</ul>
</body>
</html>
"""


def version() -> str:
    """Return the version of the package, which needn't be imported for that."""
    text = (ROOT / "pocket" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found, "pocket/__init__.py has no __version__"
    return found[1]


def order(name: str) -> tuple[int, ...]:
    """Return the numbers of a version, by which versions are sorted."""
    return tuple(int(number) for number in re.findall(r"\d+", name))


def write_chooser(site: Path) -> None:
    """Write the list of the versions in a folder, and the page to choose from, newest first."""
    names = sorted((path.parent.name for path in site.glob("*/index.html")), key=order, reverse=True)
    known = [{"version": name, "title": name, "aliases": []} for name in names]
    (site / "versions.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    items = "\n".join(f'<li><a href="{html.escape(name)}/">{html.escape(name)}</a></li>' for name in names)
    (site / "index.html").write_text(PAGE.format(items=items), encoding="utf-8")


class Served:
    """Whether the pages are served from a temporary folder, which has no versions; mkdocs sets it at its start."""

    now = False


def on_startup(command: str, **_: Any) -> None:
    """Remember the command of mkdocs."""
    Served.now = command == "serve"


def on_config(config: Any) -> Any:
    """Build into the folder of the version."""
    if not Served.now and Path(config.site_dir).name != version():
        config.site_dir = str(Path(config.site_dir) / version())
    return config


def on_post_build(config: Any) -> None:
    """Write what lists the versions, beside their folders."""
    if not Served.now:
        write_chooser(Path(config.site_dir).parent)
