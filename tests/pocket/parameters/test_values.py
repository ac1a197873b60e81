from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.parameters.values import Parameters
from tests.entries import check_each

PARAMS = Parameters({"Muon": {"pt": 26.0, "ids": ["tight", {"name": "loose"}], "iso": None}, "open": "???"})
BEFORE = repr(PARAMS)


def test_entries_are_items_and_attributes() -> None:
    assert PARAMS.Muon.pt == PARAMS["Muon"]["pt"] == 26.0
    assert PARAMS.Muon.get("eta", 2.4) == 2.4
    assert PARAMS.Muon.get("iso", 1) is None
    assert PARAMS.get("open", 3) == 3
    assert "open" not in PARAMS
    assert list(PARAMS) == ["Muon", "open"]
    assert len(PARAMS) == 2
    assert dict(PARAMS.Muon.items()) == {"pt": 26.0, "ids": ["tight", {"name": "loose"}], "iso": None}
    assert PARAMS.Muon == {"pt": 26.0, "ids": ["tight", {"name": "loose"}], "iso": None}
    assert PARAMS.Muon != {"pt": 26.0}
    assert "pt" in dir(PARAMS.Muon)
    assert repr(PARAMS.Muon) == "{'pt': 26.0, 'ids': ['tight', {'name': 'loose'}], 'iso': None}"


def test_lists_are_lists() -> None:
    ids = PARAMS.Muon.ids
    assert isinstance(ids, list)
    assert ids[:1] + ids == ["tight", "tight", {"name": "loose"}]
    assert ids[1].name == "loose"
    changed = list(ids)
    changed.append("veto")
    assert len(ids) == 2


@check_each(
    ("change", "place"),
    [
        (lambda params: params.Muon.ids.append("veto"), "Muon.ids"),
        (lambda params: params.Muon.ids.sort(key=str), "Muon.ids"),
        (lambda params: params.Muon.ids.__setitem__(0, "veto"), "Muon.ids"),
        (lambda params: params.Muon.ids.__iadd__(["veto"]), "Muon.ids"),
        (lambda params: params.Muon.ids[1].__setitem__("name", "veto"), "Muon.ids[1].name"),
        (lambda params: setattr(params, "Muon", 3), "Muon"),
        (lambda params: params.__setitem__("Muon", 3), "Muon"),
        (lambda params: params.Muon.__delitem__("pt"), "Muon.pt"),
        (lambda params: copy.deepcopy(params).Muon.ids.clear(), "Muon.ids"),
        (lambda params: pickle.loads(pickle.dumps(params)).Muon.ids.clear(), "Muon.ids"),
    ],
)
def test_nothing_can_be_changed(change: Callable[[Any], Any], place: str) -> None:
    with pytest.raises(ConfigError) as error:
        change(PARAMS)
    assert str(error.value).startswith("<lambda>() in test_values.py, line ")
    assert str(error.value).endswith(f", changes {place}, but parameters are read-only: change a copy, or use --params")
    assert repr(PARAMS) == BEFORE


def test_functions_of_omegaconf_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"in test_values\.py, line \d+, gives Muon to a function of OmegaConf"):
        OmegaConf.select(PARAMS.Muon, "pt")
