"""Order, restored originals, and what runs again for a variation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
from coffea.nanoevents import NanoEventsFactory

from pocket import calibrators
from pocket.calibrators import Calibrator, MeasuredCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError, UnknownNameError
from pocket.io.nanoaod.schema import Schema
from tests.real_files import real_file

MC = {"year": "2018", "isMC": True}
DATA = {"year": "2018", "isMC": False}
CALLS: Counter[str] = Counter()


class Counted(Calibrator):
    """Multiplies one field and counts its calls; a variation doubles the shift."""

    has_variations = True
    field = ""
    shift = 1.0

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        self.calibrated_collections = (self.field,)
        self._variations = (f"{self.name}Up",)

    def initialize(self, events: Any) -> None:
        CALLS[f"{self.name}:initialize"] += 1

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        CALLS[self.name] += 1
        values = events[tuple(self.field.split("."))]
        return {self.field: values * self.shift ** (2 if variation == f"{self.name}Up" else 1)}


class Jets(Counted):
    name, field, shift, inputs = "jets", "Jet.pt", 2.0, ("Jet",)


class Muons(Counted):
    name, field, shift, inputs = "muons", "Muon.pt", 3.0, ()
    isMC_only = True  # noqa: N815  PocketCoffea's spelling


class Met(Counted):
    """Depends on jets."""

    name, field, inputs = "met", "MET.pt", ("Jet", "MET")

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        CALLS[self.name] += 1
        change = ak.sum(events.Jet.pt, axis=1) - ak.sum(original["Jet.pt"], axis=1)
        return {"MET.pt": events.MET.pt - change + (100 if variation == "metUp" else 0)}


class Watcher(Counted):
    """Says nothing about its inputs, and declares a field that isn't there yet."""

    name, field, inputs = "watcher", "Muon.seen", None

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        CALLS[self.name] += 1
        assert list(already_applied) == ["jets", "muons", "met"]
        assert set(original) == {"Jet.pt", "Muon.pt", "MET.pt"}
        return {"Muon.seen": events.Muon.pt}


@pytest.fixture
def events() -> ak.Array:
    CALLS.clear()
    return ak.Array(
        {
            "Jet": ak.zip({"pt": [[10.0, 20.0], [], [30.0]]}),
            "Muon": ak.zip({"pt": [[1.0], [2.0], []]}),
            "MET": ak.zip({"pt": [100.0, 100.0, 100.0]}),
        }
    )


def sequence(
    *classes: type[Calibrator], requested: Sequence[str] | None = None, data: bool = False
) -> CalibratorSequence:
    names = [cls.name for cls in classes] if requested is None else requested
    return CalibratorSequence(classes, {}, DATA if data else MC, names)


def test_values_and_what_changed(events: ak.Array) -> None:
    chain = sequence(Jets, Muons, Met)
    chain.initialize(events)
    nominal = chain.calibrate(events, "nominal")
    assert nominal.changed == frozenset()
    assert nominal.events.Jet.pt.tolist() == [[20, 40], [], [60]]
    assert nominal.events.Muon.pt.tolist() == [[3], [6], []]
    assert nominal.events.MET.pt.tolist() == [70, 100, 70]

    jets = chain.calibrate(events, "jetsUp")
    assert jets.changed == {"Jet", "MET"}
    assert jets.events.Jet.pt.tolist() == [[40, 80], [], [120]]
    assert jets.events.Muon.pt.tolist() == [[3], [6], []]
    assert jets.events.MET.pt.tolist() == [10, 100, 10]

    met = chain.calibrate(events, "metUp")
    assert met.changed == {"MET"}
    assert met.events.MET.pt.tolist() == [170, 200, 170]
    assert met.events.Jet.pt.tolist() == [[20, 40], [], [60]]

    # nothing of the variations is left
    assert chain.calibrate(events, "nominal").events.tolist() == nominal.events.tolist()


def test_lepton_shift_never_runs_jets(events: ak.Array) -> None:
    chain = sequence(Jets, Muons, Met)
    chain.initialize(events)
    chain.calibrate(events, "nominal")
    assert all(CALLS[name] == CALLS[f"{name}:initialize"] == 1 for name in ("jets", "muons", "met"))
    muons = chain.calibrate(events, "muonsUp")
    assert muons.changed == {"Muon"}
    assert muons.events.Muon.pt.tolist() == [[9], [18], []]
    assert (CALLS["jets"], CALLS["muons"], CALLS["met"]) == (1, 2, 1)
    chain.calibrate(events, "metUp")
    assert (CALLS["jets"], CALLS["muons"], CALLS["met"]) == (1, 2, 2)
    chain.calibrate(events, "jetsUp")
    assert (CALLS["jets"], CALLS["muons"], CALLS["met"]) == (2, 2, 3)


def test_unknown_inputs_always_run_again(events: ak.Array) -> None:
    chain = sequence(Jets, Muons, Met, Watcher)
    chain.initialize(events)
    assert chain.calibrate(events, "nominal").events.Muon.seen.tolist() == [[3], [6], []]
    assert chain.calibrate(events, "muonsUp").events.Muon.seen.tolist() == [[9], [18], []]
    assert chain.calibrate(events, "jetsUp").events.Muon.seen.tolist() == [[3], [6], []]
    assert CALLS["watcher"] == 3


def test_calibrating_one_collection_twice(events: ak.Array) -> None:
    class More(Jets):
        name, shift, inputs = "more", 5.0, ()

    chain = sequence(Jets, More)
    assert chain.calibrate(events, "nominal").events.Jet.pt.tolist() == [[100, 200], [], [300]]
    assert chain.calibrate(events, "jetsUp").events.Jet.pt.tolist() == [[200, 400], [], [600]]
    assert chain.calibrate(events, "moreUp").events.Jet.pt.tolist() == [[500, 1000], [], [1500]]
    assert (CALLS["jets"], CALLS["more"]) == (2, 3)


def test_given_events_are_never_changed(events: ak.Array) -> None:
    class Careless(Jets):
        def calibrate(self, events: Any, *args: Any) -> Mapping[str, Any]:
            events["Jet"] = events.Muon
            return {}

    before = events.tolist()
    chain = sequence(Careless, Muons)
    calibrated = [chain.calibrate(events, variation).events for variation in ("nominal", "jetsUp", "muonsUp")]
    calibrated[0]["Jet"] = events.Muon
    assert events.tolist() == before
    assert [out.Jet.tolist() for out in calibrated[1:]] == [events.Jet.tolist()] * 2
    assert chain.calibrate(events, "nominal").events.Jet.tolist() == events.Jet.tolist()


def test_next_chunk(events: ak.Array) -> None:
    chain = sequence(Jets)
    assert chain.calibrate(events, "jetsUp").events.Jet.pt.tolist() == [[40, 80], [], [120]]
    assert chain.calibrate(events[1:], "jetsUp").events.Jet.pt.tolist() == [[], [120]]
    chain.initialize(events[:0])
    assert chain.calibrate(events[:0], "jetsUp").events.Jet.pt.tolist() == []


def test_names_of_variations() -> None:
    chain = sequence(Jets, Muons, Met, requested=["met", "jets"])
    assert chain.variations == ("jetsUp", "metUp")
    assert chain.variations_of("jets") == ("jetsUp",)
    assert chain.variations_of("muons") == ()
    with pytest.raises(UnknownNameError, match="unknown calibrator 'jet', did you mean 'jets'"):
        chain.variations_of("jet")


def test_data_have_no_variations(events: ak.Array) -> None:
    chain = sequence(Jets, Muons, Met, data=True)
    assert chain.variations == chain.variations_of("muons") == ()
    assert [calibrator.name for calibrator in chain.calibrators] == ["jets", "met"]
    assert chain.calibrate(events, "nominal").events.Muon.pt.tolist() == [[1], [2], []]
    assert not any(calibrator.do_variations for calibrator in chain.calibrators)


def test_no_calibrators(events: ak.Array) -> None:
    assert sequence().calibrate(events, "nominal").events.tolist() == events.tolist()


def test_variations_may_be_named_with_the_first_events(events: ak.Array) -> None:
    class Late(Jets):
        """As calibrators of PocketCoffea are written: the names come with the events."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._variations: Sequence[str] = []

        def initialize(self, events: Any) -> None:
            self._variations = ["jetsUp"] if len(events) else ["noneUp"]

    late = sequence(Late, Met)
    assert late.needs_events
    assert late.variations == ("metUp",)
    late.initialize(events)
    assert late.variations == ("jetsUp", "metUp")
    assert late.variations_of("jets") == ("jetsUp",)
    early = sequence(Jets, Met)
    early.initialize(events)
    assert not early.needs_events
    for variation in ("nominal", "jetsUp", "metUp"):
        assert late.calibrate(events, variation).events.tolist() == early.calibrate(events, variation).events.tolist()
    assert not sequence(Late, requested=[]).needs_events


def test_errors(events: ak.Array) -> None:
    class Undeclared(Jets):
        def calibrate(self, events: Any, *args: Any) -> Mapping[str, Any]:
            return {"Muon.pt": events.Muon.pt}

    class Bare(Jets):
        def calibrate(self, events: Any, *args: Any) -> Any:
            return events.Jet.pt

    class Clash(Muons):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._variations = ("jetsUp",)

    class Late(Jets):
        def initialize(self, events: Any) -> None:
            self._variations = (*self.variations, "jetsDown")

    with pytest.raises(ConfigError, match=r"'jets' changes its variations in initialize\(\): those that __init__ sets"):
        sequence(Late).initialize(events)
    with pytest.raises(
        ConfigError,
        match=r"unknown output 'Muon.pt' in calibrated_collections of calibrator 'jets', .*Jet.pt",
    ):
        sequence(Undeclared).calibrate(events, "nominal")
    with pytest.raises(
        ConfigError, match=r"^calibrator 'jets' returned Array, expected a dictionary of 'Collection\.field' → values$"
    ):
        sequence(Bare).calibrate(events, "nominal")
    with pytest.raises(ConfigError, match="'jetsUp' is one of calibrator 'jets' and one of 'muons'"):
        sequence(Jets, Clash)
    with pytest.raises(UnknownNameError, match="unknown calibrator 'jet' in the shape variations"):
        sequence(Jets, requested=["jet"])
    with pytest.raises(UnknownNameError, match="unknown shape variation 'muonsUp'"):
        sequence(Jets, Muons, requested=["jets"]).calibrate(events, "muonsUp")


def test_all_calibrators_are_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "calibrators.md").read_text()
    table = page[page.index("| Calibrator | Name |") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    public = {name: getattr(calibrators, name) for name in calibrators.__all__}
    bases = Calibrator, MeasuredCalibrator
    shipped = {name: cls.name for name, cls in public.items() if isinstance(cls, type) and cls not in bases}
    # The name of a measured one is that of wrap.
    names = {row[0].strip("`"): "" if "wrap" in row[1] else row[1].strip("`") for row in rows}
    assert names == shipped
    # name, class, changes, variations, parameters, source
    assert all(len(row) == 6 and all(row) for row in rows)
    varied = {row[0].strip("`") for row in rows if row[3] != "none"}
    assert varied == {name for name in shipped if public[name].has_variations}


def test_calibrator_of_the_documentation(events: ak.Array) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "calibrators.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    own = names["ElectronScale"]
    events["Electron"] = events.Muon
    chain = sequence(Jets, own, requested=["jets", "electron_scale"])
    assert chain.variations == ("jetsUp", "electron_scaleUp", "electron_scaleDown")
    down = chain.calibrate(events, "electron_scaleDown")
    assert (down.changed, CALLS["jets"]) == ({"Electron"}, 1)
    assert ak.all(abs(down.events.Electron.pt - 0.995 * events.Electron.pt) < 1e-9)


def test_nanoevents_stay_nanoevents_and_unread() -> None:
    log: list[Any] = []
    factory = NanoEventsFactory.from_root(
        {str(real_file("nano_tt_v12.root")): "Events"}, schemaclass=Schema, mode="virtual", access_log=log
    )
    events = factory.events()
    calibrated = sequence(Muons).calibrate(events, "muonsUp").events
    assert {access.branch for access in log} == {"nMuon", "Muon_pt"}
    assert type(calibrated) is type(events)
    assert ak.all(calibrated.Muon.pt == events.Muon.pt * 9)
    # methods and links of NanoEvents still work
    assert ak.all(calibrated.Muon.matched_gen.pdgId == events.Muon.matched_gen.pdgId)
    assert calibrated.metadata == events.metadata
