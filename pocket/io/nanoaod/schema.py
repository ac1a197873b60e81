"""NanoAOD schema, built once for all files whose branches have the same names and types."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import product
from typing import Any

import awkward as ak
import numpy as np
from coffea.nanoevents import NanoAODSchema
from coffea.nanoevents.mapping import UprootSourceMapping
from coffea.nanoevents.methods.candidate import Candidate
from coffea.nanoevents.methods.nanoaod import behavior
from coffea.nanoevents.util import quote

from pocket.io.nanoaod.ttree import Leaf

#: Most schemas that are cached.
_MOST = 16
_known: dict[Any, Schema] = {}
#: NumPy's type → C++'s, where it isn't the same with ``_t``.
_CPP = {"bool": "bool", "float32": "float", "float64": "double"}
_KINDS = [name for name, kind in behavior.items() if isinstance(kind, type) and issubclass(kind, Candidate)]
# coffea 2026.9 gives differences of two kinds of candidates, such as jets and muons, the other sign.
behavior.update({(np.subtract, *pair): Candidate.subtract for pair in product(_KINDS, repeat=2)})


class Schema(NanoAODSchema):  # type: ignore[misc]
    """NanoAOD schema without warnings about missing branches: reading a missing branch raises an error anyway."""

    warn_missing_crossrefs = False
    event_ids = ()

    def __init__(self, base_form: Any, *args: Any, **options: Any) -> None:
        super().__init__(base_form, *args, **options)
        #: Branches that were read for all entries, for selected ones, and only after the last selection.
        self.whole: set[str] = set()
        self.packed: set[str] = set()
        self.late: set[str] = set()

    @cached_property
    def form(self) -> Any:
        """The form of the events, cached since coffea would build it again for each chunk."""
        return ak.forms.from_dict(super().form)


def find_schema(
    tree: Any, leaves: Mapping[str, Leaf] | None, whole: Callable[[], Any], metadata: Mapping[str, Any]
) -> Schema:
    """Return the schema of a tree; ``whole`` returns the tree with branches that aren't known, which is slow."""
    if leaves is None:
        kinds = tuple((name, each.typename, _content(name, each)) for name, each in whole().iteritems(recursive=False))
    else:
        kinds = tuple((name, leaf.kind, leaf.title if name.endswith("Weight") else "") for name, leaf in leaves.items())
    key = (kinds, tuple(sorted((name, repr(value)) for name, value in metadata.items())))
    if key not in _known:
        if len(_known) >= _MOST:
            _known.clear()
        with warnings.catch_warnings():
            # Old NanoAOD has photon columns that the schema replaces by constants; no code here reads them.
            warnings.filterwarnings("ignore", message="Branch Photon_", category=RuntimeWarning)
            form = base_form(tree.title, leaves) if leaves else None
            form = form or UprootSourceMapping._extract_base_form(whole())
            form["parameters"]["metadata"] = dict(metadata)
            _known[key] = Schema(form)
    return _known[key]


def _content(name: str, branch: Any) -> str:
    # The titles of the generator's variations say what their entries are; a field of an RNTuple has a description.
    return str(getattr(branch, "title", getattr(branch, "description", ""))) if name.endswith("Weight") else ""


def base_form(title: str, leaves: Mapping[str, Leaf]) -> dict[str, Any] | None:
    """Return the form for coffea's schemas, ``None`` if a branch isn't of numbers or coffea refuses its name."""
    contents = []
    for name, leaf in leaves.items():
        if leaf.dtype is None or "," in name or "!" in name:
            return None
        number = leaf.dtype.newbyteorder("=").name
        key = f"{name},!load"
        numbers = {
            "class": "NumpyArray",
            "primitive": number,
            "inner_shape": [],
            "parameters": {
                "__doc__": leaf.title,
                "typename": _CPP.get(number, f"{number}_t") + ("[]" if leaf.is_list else ""),
            },
            "form_key": quote(f"{key},!content" if leaf.is_list else key),
        }
        lists = {
            "class": "ListOffsetArray",
            "offsets": "i64",
            "content": numbers,
            "parameters": {},
            "form_key": quote(key),
        }
        contents.append(lists if leaf.is_list else numbers)
    return {
        "class": "RecordArray",
        "contents": contents,
        "fields": list(leaves),
        "parameters": {"__doc__": title},
        "form_key": None,
    }
