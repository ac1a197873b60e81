"""Identification of jets by a file in the form of JetMET's jetid.json.gz, against the formula of JetID13p6TeV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.objects import jet_id, jet_selection
from tests.pocket.correction_files import write_corrections
from tests.pocket.objects.nano import nano_events

FRACTIONS = ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF")
INPUTS = ("eta", *FRACTIONS, "chMultiplicity", "neMultiplicity", "multiplicity")
#: |eta| up to the edge → upper limits and lower limits of the tight identification
REGIONS: list[tuple[float, dict[str, float], dict[str, float]]] = [
    (2.6, {"neHEF": 0.99, "neEmEF": 0.9}, {"chHEF": 0.01, "chMultiplicity": 0, "multiplicity": 1}),
    (2.7, {"neHEF": 0.9, "neEmEF": 0.99}, {}),
    (3.0, {"neHEF": 0.99}, {}),
    (np.inf, {"neEmEF": 0.4}, {"neMultiplicity": 1}),
]
#: the limit of the lepton veto up to |eta| 2.7
VETO = {"muEF": 0.8, "chEmEF": 0.8}


def correction(name: str, veto: bool) -> cs.Correction:
    """Return a correction of the form of JetMET's: bins of eta with limits as binnings inside."""

    def limited(limits: list[tuple[str, float, bool]]) -> Any:
        if not limits:
            return 1.0
        (variable, limit, is_upper), rest = limits[0], limits[1:]
        # A bin includes its lower edge.
        edge = limit if is_upper else float(np.nextafter(np.float32(limit), np.float32(np.inf)))
        content = [limited(rest), 0.0] if is_upper else [0.0, limited(rest)]
        return cs.Binning(nodetype="binning", input=variable, edges=[-1e3, edge, 1e3], content=content, flow="clamp")

    def region(number: int) -> Any:
        edge, upper, lower = REGIONS[number]
        upper = {**upper, **(VETO if veto and edge <= 2.7 else {})}
        limits = [(key, value, True) for key, value in upper.items()]
        return limited(limits + [(key, value, False) for key, value in lower.items()])

    order = (3, 2, 1, 0, 1, 2, 3)
    # The edges belong to the inner region.
    inner = [float(np.nextafter(np.float32(edge), np.float32(9))) for edge in (2.6, 2.7, 3.0)]
    edges = [-10.0, -3.0, -2.7, -2.6, *inner, 10.0]
    edges[1:4] = [float(-np.float32(edge)) for edge in (3.0, 2.7, 2.6)]
    data = cs.Binning(
        nodetype="binning", input="eta", edges=edges, content=[region(number) for number in order], flow="clamp"
    )
    return cs.Correction(
        name=name,
        version=1,
        inputs=[cs.Variable(name=variable, type="real") for variable in INPUTS],
        output=cs.Variable(name="passes", type="real"),
        data=data,
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    names = {
        f"{size}PUPPI_{point}": point != "Tight" for size in ("AK4", "AK8") for point in ("Tight", "TightLeptonVeto")
    }
    path = tmp_path_factory.mktemp("id") / "jetid.json"
    return write_corrections(path, *(correction(name, veto) for name, veto in names.items()))


def generated(n: int = 12_000) -> ak.Array:
    rng = np.random.default_rng(7)
    limits = np.array([0.0, 0.01, 0.4, 0.8, 0.9, 0.99, 1.0], dtype=np.float32)
    columns: dict[str, Any] = {name: rng.random(n).astype(np.float32) for name in FRACTIONS}
    for values in columns.values():
        some = rng.random(n) < 0.5
        values[some] = rng.choice(limits, some.sum())
    edges = np.array([0, 2.6, 2.7, 3.0, -2.6, -2.7, -3.0, 5.0], dtype=np.float32)
    columns["eta"] = np.where(rng.random(n) < 0.3, rng.choice(edges, n), rng.uniform(-5, 5, n)).astype(np.float32)
    for name in ("chMultiplicity", "neMultiplicity"):
        columns[name] = rng.choice([0, 1, 2, 3, 200], n).astype(np.uint8)
    counts = rng.multinomial(n, np.full(3000, 1 / 3000))
    jets = ak.unflatten(ak.zip({**columns, "pt": np.full(n, 50.0)}), counts)
    return ak.zip({"Jet": jets, "FatJet": jets}, depth_limit=1)


@pytest.mark.parametrize("jet_type", ["Jet", "FatJet"])
def test_file_and_formula_against_a_loop(file: str, jet_type: str) -> None:
    events = generated()
    expected = []
    for in_event in events[jet_type].to_list():
        for jet in in_event:
            jet["multiplicity"] = jet["chMultiplicity"] + jet["neMultiplicity"]
            # limits in the precision of the file
            rounded = {key: float(np.float32(value)) for key, value in jet.items()}
            expected.append(2 * passes(rounded, False) + 4 * passes(rounded, True))
    of_file, of_formula = jet_id(events, jet_type, file), jet_id(events, jet_type)
    assert ak.num(of_file).to_list() == ak.num(events[jet_type]).to_list()
    assert ak.flatten(of_formula).to_list() == expected
    # correctionlib compares in double precision, NanoAOD's numbers at a limit are on one side of it
    differs = np.asarray(ak.flatten(of_file != of_formula))
    at_limit = np.zeros(len(differs), dtype=bool)
    for name in (*FRACTIONS, "eta"):
        for limit in (0.01, 0.4, 0.8, 0.9, 0.99, 2.6, 2.7):
            at_limit |= np.asarray(abs(ak.flatten(events[jet_type][name]))) == np.float32(limit)
    assert not differs[~at_limit].any()
    assert {0, 2, 6} == set(expected)


def passes(jet: dict[str, float], veto: bool) -> bool:
    """Return the identification with limits in single precision, as awkward compares them."""

    def single(limits: dict[str, float]) -> dict[str, float]:
        return {key: float(np.float32(limit)) for key, limit in limits.items()}

    eta = abs(jet["eta"])
    _, upper, lower = next(one for one in REGIONS if eta <= float(np.float32(one[0])))
    upper = {**single(upper), **(single(VETO) if veto and eta <= float(np.float32(2.7)) else {})}
    return all(jet[name] < limit for name, limit in upper.items()) and all(
        jet[name] > limit for name, limit in single(lower).items()
    )


@pytest.mark.slow
def test_selection_by_the_file(file: str) -> None:
    events = nano_events("nano_tt_v15.root")
    cuts: dict[str, Any] = {"pt": 15.0, "eta": 5.0, "jetId": 6}
    found = []
    for more in ({}, {"jetId_file": False}, {"jetId_file": True}):
        params = {"object_preselection": {"Jet": {**cuts, **more}}, "jet_scale_factors": {"jet_id": {"2024": file}}}
        found.append(jet_selection(events, "Jet", params, "2024")[1].to_list())
    assert found[0] == found[1] == found[2]
    assert any(any(event) for event in found[0])
    params["jet_scale_factors"]["jet_id"] = {}
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2024' in jet_scale_factors\.jet_id"):
        jet_selection(events, "Jet", params, "2024")
    # the stored identification has no need of it
    older = nano_events("nano_tt_v12.root")
    assert ak.all(jet_id(older, "Jet", "missing.json") == jet_id(older))


def test_mistakes(file: str, tmp_path: Path) -> None:
    events = generated(100)
    with pytest.raises(ConfigError, match=r"correction file missing\.json does not exist"):
        jet_id(events, "Jet", "missing.json")
    other = write_corrections(tmp_path / "other.json", correction("AK4CHS_Tight", False))
    with pytest.raises(UnknownNameError, match=r"unknown correction 'AK4PUPPI_Tight' in other\.json"):
        jet_id(events, "Jet", other)
    lacking = ak.with_field(events, events.Jet[["pt", "eta", "chMultiplicity", "neMultiplicity"]], "Jet")
    with pytest.raises(MissingBranchError, match="branch 'Jet_chHEF' does not exist"):
        jet_id(lacking, "Jet", file)
