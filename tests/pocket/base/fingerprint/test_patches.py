from __future__ import annotations

import json
from collections.abc import Iterator

import awkward as ak
import pytest
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.omegaconf import register_default_resolvers

from pocket.base.fingerprint import digest
from pocket.base.fingerprint.modules import is_library
from pocket.base.fingerprint.patches import patches, register_package
from tests.pocket.base.fingerprint.sources import loaded

PATCH = """
import pocket.cuts.certification
from pocket.cuts.cut import Cut
def certified(runs, blocks, path): return runs > {}
pocket.cuts.certification.certified = certified
"""
METHOD = """
from pocket.cuts.cut import Cut
def get_mask(self, *args, **kwargs): return {}
Cut.get_mask = get_mask
"""
BEHAVIOR = """
import awkward as ak
class Lepton(ak.Record):
    @property
    def scaled(self): return {} * self.pt
ak.behavior["Lepton"] = Lepton
"""


@pytest.fixture(autouse=True)
def undone(monkeypatch: pytest.MonkeyPatch) -> None:
    import pocket.cuts.certification
    from pocket.cuts.cut import Cut

    monkeypatch.setattr(pocket.cuts.certification, "certified", pocket.cuts.certification.certified)
    monkeypatch.setattr(Cut, "get_mask", Cut.get_mask)
    monkeypatch.setattr(pocket.cuts.certification, "LEAST", 0, raising=False)
    monkeypatch.setattr("pocket.base.fingerprint.patches._packages", {})
    # other tests of this process have loaded analyses, too
    of_libraries = {name: value for name, value in ak.behavior.items() if is_library(value.__module__)}
    monkeypatch.setattr(ak, "behavior", of_libraries)
    monkeypatch.setattr(BaseContainer, "_resolvers", {})
    register_default_resolvers()


def test_the_project_changes_nothing_elsewhere() -> None:
    assert patches("lib") == {"replaced": {}, "behaviors": {}}


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        (PATCH, "replaced", "pocket.cuts.certification.certified"),
        (METHOD, "replaced", "pocket.cuts.cut.Cut.get_mask"),
        (BEHAVIOR, "behaviors", "'Lepton'"),
    ],
)
def test_changes_of_an_analysis_count_with_their_code(source: str, kind: str, name: str) -> None:
    digests = []
    for value in (30, 30, 25):
        with loaded(source.format(value)):
            found = patches("lib")
            assert list(found[kind]) == [name]
            digests.append(digest(found))
    assert digests[0] == digests[1] != digests[2]


def test_changes_of_another_analysis_do_not_count() -> None:
    with loaded(PATCH.format(30)):
        register_package("lib")
        assert patches("another")["replaced"] == {}
        assert list(patches("lib")["replaced"]) == ["pocket.cuts.certification.certified"]


SETTINGS = "LEAST, TABLE, OTHER = 20, {}, 0\nclass Cuts: low = 3\nclass Thing: pass\nthing = Thing()\n"


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("import settings\nsettings.LEAST = 25", {"settings.LEAST": 25}),
        ("from settings import Cuts\nif True:\n    Cuts.low = 26", {"settings.Cuts.low": 26}),
        ("import settings as s\ndef make(): s.Cuts.low = 27\nmake()", {"settings.Cuts.low": 27}),
        ("from settings import TABLE\nTABLE['a'] = 28", {"lib.TABLE": {"a": 28}}),
        ("import settings\nsettings.TABLE['b'] = 29", {"settings.TABLE": {"b": 29}}),
        ("import pocket.cuts.certification as c\nc.LEAST = 30", {"pocket.cuts.certification.LEAST": 30}),
        ("import json\njson.encoder.mine = 32", {"json.encoder.mine": 32}),
        ("import json\nsetattr(json.encoder, 'mine', 33)", {"json.encoder.mine": 33}),
        (
            "from json import JSONEncoder\nEncoder = JSONEncoder\nEncoder.mine = 34",
            {"json.encoder.JSONEncoder.mine": 34},
        ),
        ("import json\njson.TABLE = {}\njson.TABLE['a'] = 35\njson.TABLE['b'] = object()", {"json.TABLE": {"a": 35}}),
        # What code names shows its value there, an instance counts as a whole, and other objects of libraries and the
        # state of Python and of plots can't be compared.
        ("import json, sys, matplotlib\njson.mine = object()\nsys.mine = matplotlib.mine = 36", {}),
        ("import settings\nprint(settings.LEAST)\nsettings = settings", {}),
        ("from settings import thing\nthing.low = 31", {}),
        ("class Own: pass\nOwn.low = 33", {}),
    ],
)
def test_values_that_an_analysis_sets_elsewhere_count(source: str, values: dict[str, object]) -> None:
    with loaded({"lib": source, "settings": SETTINGS}):
        assert patches("lib", ["lib"]).get("set", {}) == values


ADDED = """
from json import encoder
import json
import functools
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.omegaconf import register_default_resolvers

class Mine: pass
def own(number=0): return {0}
for cls in (json.JSONEncoder, json.JSONDecoder):
    setattr(cls, "of_" + "mine", property(own))
encoder.py_encode_basestring = own
json.Mine = Mine
OmegaConf.register_resolver("own_of_mine", own, replace=True)
OmegaConf.register_resolver("part_of_mine", functools.partial(own, {0}), replace=True)
"""


@pytest.fixture
def json_as_it_was() -> Iterator[None]:
    before = [(owner, dict(vars(owner))) for owner in (json, json.encoder, json.JSONEncoder, json.JSONDecoder)]
    yield
    for owner, attributes in before:
        for name in set(vars(owner)) - set(attributes):
            delattr(owner, name)
    json.encoder.py_encode_basestring = dict(before[1][1])["py_encode_basestring"]
    for name in ("own_of_mine", "part_of_mine"):
        OmegaConf.clear_resolver(name)


@pytest.mark.usefixtures("json_as_it_was")
def test_what_an_analysis_replaces_or_adds_in_libraries_counts() -> None:
    digests = []
    for number in (1, 1, 2):
        with loaded(ADDED.replace("{0}", str(number))):
            found = patches("lib", ["lib"])
            digests.append(digest(found))
            assert patches("other")["replaced"] == {}
    places = [
        *("json.Mine", "json.decoder.JSONDecoder.of_mine"),
        *("json.encoder.JSONEncoder.of_mine", "json.encoder.py_encode_basestring"),
    ]
    assert sorted(found["replaced"]) == places
    assert sorted(found["resolvers"]) == ["own_of_mine", "part_of_mine"]
    assert digests[0] == digests[1] != digests[2]


def test_what_is_replaced_is_named_once() -> None:
    with loaded(PATCH.format(30)):
        assert "set" not in patches("lib", ["lib"])
