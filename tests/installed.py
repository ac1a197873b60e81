"""Packages that count as installed, without being so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def install(site_packages: Path, package: str, files: Mapping[str, str], plugin: str = "") -> Path:
    """Write a package with some files into a folder of packages, and what an installer records of it.

    Args:
        files: path in the package → content.
        plugin: name of its entry point as a plugin of Pocketlaw, empty for none.

    Returns:
        The folder of the package.
    """
    folder = site_packages.joinpath(*package.split("."))
    for name, content in {"__init__.py": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    record = site_packages / f"{package}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    points = f"[pocketlaw.plugins]\n{plugin} = {package}\n" if plugin else ""
    (record / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder
