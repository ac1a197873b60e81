"""Comparison of the outputs of two commits, byte by byte: ``python -m benchmarks.compare_commits BEFORE [CONFIG …]``.

A change that is not about numbers must not change templates, scale factors, columns and the numbers of plots. Both
commits run each configuration, such as ``zmumu/calibrated``, with the same chunk size and separate stores; by default
all configurations of all shipped analyses. Keys of JSON files that were renamed in between are mapped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py

from tests.law_runner import Law

ROOT = Path(__file__).resolve().parents[1]
#: task whose outputs are compared → endings of the files with numbers
TASKS = {
    "MergeOutputs": (".h5", ".json", ".parquet"),
    "ComputeScaleFactors": (".json",),
    "ValidateScaleFactors": (".json",),
    "PlotTemplates": (".json",),
}
#: files with fingerprints, paths and code, which are not compared
NOT_COMPARED = ("manifest.json", "config.json", "contents.json")
OPTIONS = ("--version", "compare", "--chunk-size", "40000", "--chunk-memory", "0")
#: key of a JSON file, name of a check or argument in a sentence before → after
RENAMED: Mapping[str, str] = {"exact": "same_events", "again": "remeasured", "halves": "split", "kept": "preserved"}


def run_commit(checkout: Path, folder: Path, configs: list[str]) -> Path:
    """Run configurations with the code of a checkout, and return the store."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"PYTHONPATH": str(checkout), "POCKET_ROOT": str(checkout), "LAW_CONFIG_FILE": str(checkout / "law.cfg")}
    law = Law(folder, places)
    for config in configs:
        analysis, _, name = config.partition("/")
        run = law.run(
            "PlotTemplates", "--analysis", analysis, "--config", name, "--accept-closure", *OPTIONS, timeout=7200
        )
        if run.code:
            sys.exit(f"{checkout}: {config} failed:\n{run.text[-3000:]}")
    return law.store


def files_of(store: Path) -> dict[str, Path]:
    """Return analysis, task, configuration and place in the output → file, for all files with numbers."""
    found = {}
    for task, endings in TASKS.items():
        for manifest in store.glob(f"*/{task}/*/compare/*/manifest.json"):
            analysis, _, config = manifest.relative_to(store).parts[:3]
            for path in manifest.parent.rglob("*"):
                if path.suffix in endings and path.name not in NOT_COMPARED:
                    found[f"{analysis}/{task}/{config}/{path.relative_to(manifest.parent)}"] = path
    return found


def renamed(content: Any, names: Mapping[str, str] = RENAMED) -> Any:
    """Return the content of a JSON file with the present names of its keys, checks and arguments."""
    if isinstance(content, str):
        return names.get(content) or re.sub(r"\w+(?==)", lambda argument: names.get(argument[0], argument[0]), content)
    if isinstance(content, dict):
        return {names.get(key, key): renamed(value, names) for key, value in content.items()}
    return [renamed(value, names) for value in content] if isinstance(content, list) else content


def difference(before: Path, after: Path) -> str:
    """Return a description of the difference of two files, empty if there is none."""
    if before.read_bytes() == after.read_bytes():
        return ""
    if before.suffix == ".json":
        contents = [json.loads(path.read_bytes()) for path in (before, after)]
        return "" if renamed(contents[0]) == contents[1] else "other numbers or keys"
    if before.suffix == ".h5":
        arrays = [dict(arrays_of(path)) for path in (before, after)]
        names = sorted(name for name in {*arrays[0], *arrays[1]} if arrays[0].get(name) != arrays[1].get(name))
        return f"other arrays {', '.join(names[:3])}" if names else "the same arrays in other bytes"
    return "other bytes"


def arrays_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each array of numbers in an HDF5 file."""
    found: list[tuple[str, bytes]] = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: (
                found.append((name, node[()].tobytes()))
                if isinstance(node, h5py.Dataset) and node.dtype.kind in "biuf"
                else None
            )
        )
    yield from found


def main() -> None:
    """Run both commits and print the differences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", help="commit to compare this checkout with")
    parser.add_argument("configs", nargs="*", help="such as zmumu/calibrated; all by default")
    parser.add_argument("--folder", type=Path, help="where the stores go and stay; temporary by default")
    arguments = parser.parse_args()
    configs = arguments.configs or list(all_configs())
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        checkout = Path(temporary, "before")
        subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", checkout, arguments.before], cwd=ROOT, check=True
        )
        try:
            before = files_of(run_commit(checkout, folder / "stores" / "before", configs))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", checkout], cwd=ROOT, check=True)
        after = files_of(run_commit(ROOT, folder / "stores" / "after", configs))
        problems = [f"{name}: only {'before' if name in before else 'after'}" for name in before.keys() ^ after.keys()]
        for name in sorted(before.keys() & after.keys()):
            if found := difference(before[name], after[name]):
                problems.append(f"{name}: {found}")
        print(f"{len(before.keys() & after.keys())} files of {len(configs)} configurations compared")
    print("\n".join(problems) or "all are the same")
    sys.exit(bool(problems))


def all_configs() -> Iterator[str]:
    """Yield the configurations of all shipped analyses."""
    from pocket.configuration.loading import load_analysis

    for package in sorted((ROOT / "analysis").glob("*/__init__.py")):
        for name in load_analysis(package.parent.name).configs:
            yield f"{package.parent.name}/{name}"


if __name__ == "__main__":
    os.environ.setdefault("POCKET_ROOT", str(ROOT))
    main()
