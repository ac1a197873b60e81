"""Names in a configuration of samples, years and categories that aren't there, which PocketCoffea ignores.

Our own Configurator refuses them, because most are misspelt. Here they are left out, and one remark names them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pocket.base.runtime.remarks import remark
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.datasets.definition_files import read_all_definitions
from pocket.errors import UnknownNameError, nearest
from pocket.histograms.config import HistConf
from pocket.parameters.shipped import definition_file, find_file

#: Keys of the filter of datasets, and what each names.
_FILTER = {"samples": "sample", "samples_exclude": "sample", "year": "year"}
#: Blocks of variations.
_VARIATIONS = ("weights", "shape")


class KnownNames:
    """The names of a configuration that are there, and sentence parts that name those that were left out."""

    def __init__(self, datasets: Mapping[str, Any], categories: Any) -> None:
        files = datasets.get("jsons", ())
        paths = {file: find_file(definition_file(file)) for file in files if not isinstance(files, str)}
        self._empty = [file for file, path in paths.items() if _is_empty(path)]
        if len(self._empty) == len(paths):  # Our Configurator says so.
            self._empty = []
        found = read_all_definitions(path for file, path in paths.items() if file not in self._empty)
        self._years = {str(definition.year) for definition in found}
        self._samples = {definition.sample for definition in found}
        self._subsamples = {
            f"{sample}{SUBSAMPLE}{name}"
            for sample, selection in (datasets.get("subsamples") or {}).items()
            for name in getattr(selection, "names", selection)
        }
        self._categories = {str(name) for name in getattr(categories, "names", categories)}
        self.left_out: dict[str, None] = {f"datasets in {file}": None for file in self._empty}

    def datasets(self, datasets: Mapping[str, Any]) -> dict[str, Any]:
        """Return the datasets without empty files, and without unknown samples and years in filter and subsamples."""
        changed = dict(datasets)
        if self._empty:
            changed["jsons"] = [file for file in changed["jsons"] if file not in self._empty]
        if "filter" in changed:
            chosen = changed["filter"] or {}
            known = {"sample": self._samples, "year": self._years}
            changed["filter"] = {
                key: self._chosen(key, kind, names, known[kind].__contains__)
                for key, names in chosen.items()
                if (kind := _FILTER.get(key, ""))
            }
            for key in chosen:
                if key not in _FILTER:
                    self.left_out[f"key {key!r} in datasets.filter"] = None
        if changed.get("subsamples"):
            changed["subsamples"] = self._keys(changed["subsamples"], self._samples.__contains__, "subsamples")
        return changed

    def _chosen(self, key: str, kind: str, names: Any, is_known: Callable[[str], bool]) -> Any:
        """Return the known names of a key of the filter; all if none is known, which our Configurator refuses.

        It says which names there are. Without any name it would only see that no dataset is left.
        """
        is_list = isinstance(names, Iterable) and not isinstance(names, str)
        if key != "samples_exclude" and is_list and not any(is_known(str(name)) for name in names):
            return names
        return self._known(kind, names, is_known, f"datasets.filter.{key}")

    def block(self, block: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
        """Return a block of weights, variations or columns without unknown samples, and such categories of nothing."""
        changed = dict(block or {})
        if "bysample" in changed:
            known = self._keys(changed["bysample"], self._is_stored, f"{where}.bysample")
            changed["bysample"] = {
                sample: self._part(part, f"{where}.bysample.{sample}") for sample, part in known.items()
            }
        if "common" in changed:
            changed["common"] = self._part(changed["common"], f"{where}.common")
        return changed

    def _part(self, part: Any, where: str) -> Any:
        """Return a part of a block without unknown categories of nothing; others are errors, in PocketCoffea, too.

        An empty dictionary may stand for an empty list.
        """
        if isinstance(part, Mapping) and part.get("inclusive") == {}:
            part = {**part, "inclusive": []}
        if not isinstance(part, Mapping) or not isinstance(categories := part.get("bycategory"), Mapping):
            return part
        return {
            **part,
            "bycategory": {
                name: value or []
                for name, value in categories.items()
                if value or self._keep("category", name, self._categories.__contains__, f"{where}.bycategory")
            },
        }

    def variations(
        self, variations: Mapping[str, Any] | None, constant: Collection[str] = (), calibrators: Iterable[Any] = ()
    ) -> dict[str, Any]:
        """Return the blocks of variations without unknown samples, constant weights, and blocks of other kinds."""
        known = self._keys(variations or {}, _VARIATIONS.__contains__, "variations", "key")
        blocks = {kind: self.block(block, f"variations.{kind}") for kind, block in known.items()}
        names = [str(getattr(one, "name", one)) for one in calibrators]
        for given in _named(blocks.get("shape")) if names else ():
            if given not in names and not nearest(given, names):
                # Older versions of PocketCoffea had the names of variations there, such as JES_Total.
                where = "variations.shape, where calibrators are named, not their variations"
                raise UnknownNameError("calibrator", given, names, where)
        return {kind: self._varied(block, constant) if kind == "weights" else block for kind, block in blocks.items()}

    def _varied(self, node: Any, constant: Collection[str]) -> Any:
        """Return a part of the block of varied weights without those that have no variations."""
        if isinstance(node, Mapping):
            return {key: self._varied(value, constant) for key, value in node.items()}
        if not isinstance(node, list | tuple):
            return node

        def is_varied(name: str) -> bool:
            return name not in constant

        return [name for name in node if self._keep("variation of weight", name, is_varied, "variations.weights")]

    def variables(self, variables: Mapping[str, HistConf]) -> dict[str, HistConf]:
        """Return the histograms without unknown samples and categories in their options."""
        return {name: self._histogram(name, conf) for name, conf in variables.items()}

    def _histogram(self, name: str, conf: Any) -> Any:
        if not isinstance(conf, HistConf):
            return conf
        changed: dict[str, Any] = {}
        for kind, plural, known in (
            ("category", "categories", self._categories.__contains__),
            ("sample", "samples", self._is_stored),
        ):
            for option in (f"only_{plural}", f"exclude_{plural}"):
                given = getattr(conf, option)
                if given and len(kept := self._known(kind, given, known, f"{option} of {name!r}")) < len(given):
                    changed[option] = kept
        return dataclasses.replace(conf, **changed) if changed else conf

    def report(self) -> None:
        """Remark once which names were left out, if there are any."""
        if self.left_out:
            remark(f"ignored, since they aren't there: {', '.join(self.left_out)}")

    def _is_stored(self, name: str) -> bool:
        return name in self._samples or name in self._subsamples

    def _known(self, kind: str, names: Any, is_known: Callable[[str], bool], where: str) -> Any:
        if isinstance(names, str) or not isinstance(names, Iterable):
            return names
        return [name for name in names if self._keep(kind, str(name), is_known, where)]

    def _keys(
        self, content: Mapping[str, Any], is_known: Callable[[str], bool], where: str, kind: str = "sample"
    ) -> dict[str, Any]:
        return {key: value for key, value in content.items() if self._keep(kind, key, is_known, where)}

    def _keep(self, kind: str, name: str, is_known: Callable[[str], bool], where: str) -> bool:
        if is_known(name):
            return True
        self.left_out[f"{kind} {name!r} in {where}"] = None
        return False


def _is_empty(path: Path) -> bool:
    """Tell whether a definition file has no datasets; any other mistake in it is found when it is read."""
    return path.is_file() and "".join(path.read_text(encoding="utf-8").split()) == "{}"


def _named(node: Any) -> Iterator[str]:
    """Yield the names in the lists of a block."""
    if isinstance(node, Mapping):
        for value in node.values():
            yield from _named(value)
    elif isinstance(node, list | tuple):
        yield from map(str, node)
