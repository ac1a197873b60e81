from __future__ import annotations

from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from pocket.errors import ConfigError, UnknownNameError
from pocket.weights.leptons import ElectronId, ElectronReco, ElectronTrigger, LeptonWeight, MuonId, MuonIso, MuonTrigger
from tests.pocket.correction_files import write_corrections
from tests.pocket.weights.objects import (
    events_of,
    lists_of,
    nested,
    numbers,
    present,
    product,
    random_binning,
    with_inputs,
)

ABSETA, ETA = [0, 0.9, 2.1, 2.4], [-2.5, -1.5, 0, 1.5, 2.5]
V2_KINDS, V1_KINDS = ["nominal", "stat", "syst", "systup", "systdown"], ["sf", "syst", "systup", "systdown"]
EGM_KINDS = ["sf", "sfup", "sfdown"]
REGIONS = {"RecoBelow20": [10, 20], "Reco20to75": [20, 40, 75], "RecoAbove75": [75, 100, np.inf]}

muons = lists_of(st.fixed_dictionaries({"pt": numbers(5, 300), "eta": numbers(-2.6, 2.6)}))
electrons = lists_of(
    st.fixed_dictionaries(
        {"pt": numbers(5, 300), "eta": numbers(-2.6, 2.6), "deltaEtaSC": numbers(-0.1, 0.1), "phi": numbers(-3.1, 3.1)}
    )
)


def numbered(*path: Any) -> int:
    return sum(sum(map(ord, str(key))) for key in path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the muon group in both versions, of the electron group for Run 2 and for 2023, and a trigger's."""
    folder = tmp_path_factory.mktemp("pog")

    def muon(kind: str) -> Any:
        return random_binning(numbered(kind), abseta=ABSETA, pt=[15, 25, 40, 60, 120])

    def trigger(kind: str) -> Any:
        return random_binning(numbered(kind), eta=ETA, pt=[26, 30, np.inf])

    kind = {"scale_factors": "string"}
    write_corrections(
        folder / "v2.json",
        with_inputs("ID", nested({"scale_factors": V2_KINDS}, muon), abseta="real", pt="real", **kind),
        with_inputs("ISO", nested({"scale_factors": V2_KINDS[:3]}, muon), abseta="real", pt="real", **kind),
        with_inputs("TRIGGER", nested({"scale_factors": V2_KINDS}, trigger), eta="real", pt="real", **kind),
    )
    data = nested({"year": ["2018_UL"], "ValType": V1_KINDS}, lambda year, kind: muon(kind))
    write_corrections(
        folder / "v1.json", with_inputs("ID", data, year="string", abseta="real", pt="real", ValType="string")
    )

    def electron(year: str, kind: str, point: str) -> Any:
        pt = REGIONS.get(point, [10, 30, 500])
        axes = {"phi": [-3.2, 0, 3.2]} if year == "2023PromptC" else {}
        return random_binning(numbered(kind, point), eta=ETA, pt=pt, **axes)

    text = {"year": "string", "ValType": "string", "WorkingPoint": "string", "eta": "real", "pt": "real"}
    for year, phi in (("2018", {}), ("2023PromptC", {"phi": "real"})):
        data = nested({"year": [year], "ValType": EGM_KINDS, "WorkingPoint": [*REGIONS, "wp80iso"]}, electron)
        write_corrections(folder / f"electron_{year}.json", with_inputs("Electron-ID-SF", data, **text, **phi))
    text = {"year": "string", "ValType": "string", "Path": "string", "eta": "real", "pt": "real"}
    paths = {"year": ["2023PromptC"], "ValType": EGM_KINDS, "Path": ["Ele30", "Ele15"]}
    data = nested(paths, lambda year, kind, path: random_binning(numbered(kind), eta=ETA, pt=[int(path[3:]), 60, 500]))
    write_corrections(folder / "hlt.json", with_inputs("Electron-HLT-SF", data, **text))
    return folder


def parameters(folder: Path) -> Any:
    def electron_file(year: str) -> dict[str, Any]:
        file = f"{folder}/electron_{year}.json"
        return {"files": {"reco": file, "id": file}, "name": "Electron-ID-SF"}

    two = {"pt_lt_20": "RecoBelow20", "pt_gt_20": "RecoAbove75"}
    three = {"pt_lt_20": "RecoBelow20", "pt_gt_20_lt_75": "Reco20to75", "pt_gt_75": "RecoAbove75"}
    years = {"2018": "v2", "v1": "v1"}
    return OmegaConf.create(
        {
            "object_preselection": {"Electron": {"id": "mvaIso_WP80"}},
            "lepton_scale_factors": {
                "electron_sf": {
                    "collection": "ElectronGood",
                    "id": {"mvaIso_WP80": "wp80iso"},
                    "JSONfiles": {
                        "2018": {**electron_file("2018"), "reco": two},
                        "2023": {**electron_file("2023PromptC"), "reco": three},
                    },
                    "era_mapping": {
                        "2023": {"reco": "2023PromptC", "id": "2023PromptC", "trigger": "2023PromptC"},
                    },
                    "trigger_sf": {
                        "2023": {"file": f"{folder}/hlt.json", "name": "Electron-HLT-SF", "path": "Ele30"},
                    },
                },
                "muon_sf": {
                    "collection": "MuonGood",
                    "sf_name": {year: {"id": "ID", "iso": "ISO", "trigger": "TRIGGER"} for year in years},
                    "JSONfiles": {year: {"file": f"{folder}/{file}.json"} for year, file in years.items()},
                    "era_mapping": {"v1": {"id": "2018_UL"}},
                },
            },
        }
    )


def check(weight: LeptonWeight, events: Any, lists: list[Any], expected: dict[str, Any]) -> None:
    """Compare with the product over a loop; ``expected`` has the factor of one lepton for each variation."""
    nominal, varied = weight.evaluate(events, len(lists), "nominal")
    assert set(varied) == {f"{weight.name}Up", f"{weight.name}Down"}
    for side, values in (
        ("nominal", nominal),
        ("Up", varied[f"{weight.name}Up"]),
        ("Down", varied[f"{weight.name}Down"]),
    ):
        np.testing.assert_allclose(values, [product(objects, expected[side]) for objects in lists], rtol=1e-12)
    inside_shape, nothing = weight.evaluate(events, len(lists), "JES_TotalUp")
    assert inside_shape.tolist() == nominal.tolist()
    assert nothing == {}


def clamp(value: float, low: float, high: float) -> float:
    """Return a value that lies in the same bin as another one, or in the outermost one."""
    return float(min(max(value, low), high - 1e-9))


def muon_oracle(file: Path, name: str, kind: str, *, absolute: bool, lowest: float) -> Any:
    correction = correctionlib.CorrectionSet.from_file(str(file))[name]

    def factor(muon: dict[str, float]) -> float:
        eta = clamp(abs(muon["eta"]), 0, 2.4) if absolute else clamp(muon["eta"], -2.5, 2.5)
        pt = clamp(muon["pt"], lowest, 120) if absolute else max(muon["pt"], float(lowest))
        arguments = ["2018_UL"] if file.stem == "v1" else []
        return correction.evaluate(*arguments, eta, pt, kind)

    return factor


@settings(max_examples=25)
@given(lists=muons)
def test_muons(folder: Path, lists: list[Any]) -> None:
    events, params = events_of(lists, "MuonGood"), parameters(folder)
    kinds = {"nominal": "nominal", "Up": "systup", "Down": "systdown"}
    for weight, name, absolute, lowest in ((MuonId, "ID", True, 15), (MuonTrigger, "TRIGGER", False, 26)):
        expected = {
            side: muon_oracle(folder / "v2.json", name, kind, absolute=absolute, lowest=lowest)
            for side, kind in kinds.items()
        }
        check(weight(params, {"year": "2018"}), events, lists, expected)


@settings(max_examples=15)
@given(lists=muons)
def test_muons_with_the_first_version_of_the_files(folder: Path, lists: list[Any]) -> None:
    kinds = {"nominal": "sf", "Up": "systup", "Down": "systdown"}
    expected = {
        side: muon_oracle(folder / "v1.json", "ID", kind, absolute=True, lowest=15) for side, kind in kinds.items()
    }
    check(MuonId(parameters(folder), {"year": "v1"}), events_of(lists, "MuonGood"), lists, expected)


@settings(max_examples=15)
@given(lists=muons)
def test_muons_with_only_the_parts_of_the_uncertainty(folder: Path, lists: list[Any]) -> None:
    value, stat, syst = (
        muon_oracle(folder / "v2.json", "ISO", kind, absolute=True, lowest=15) for kind in ("nominal", "stat", "syst")
    )

    def shifted(sign: int) -> Any:
        return lambda muon: value(muon) + sign * (stat(muon) ** 2 + syst(muon) ** 2) ** 0.5

    expected = {"nominal": value, "Up": shifted(1), "Down": shifted(-1)}
    check(MuonIso(parameters(folder), {"year": "2018"}), events_of(lists, "MuonGood"), lists, expected)


def electron_oracle(file: Path, year: str, kind: str, point: Any, lowest: float = 10) -> Any:
    correction = next(iter(correctionlib.CorrectionSet.from_file(str(file)).values()))

    def factor(electron: dict[str, float]) -> float:
        eta = np.float32(electron["eta"]) + np.float32(electron["deltaEtaSC"])
        name = point(electron["pt"]) if callable(point) else point
        low, high = {"RecoBelow20": (10, 20), "RecoAbove75": (75, np.inf)}.get(name, (lowest, 500))
        phi = [electron["phi"]] if year.startswith("2023") and "electron" in file.name else []
        return correction.evaluate(
            year, kind, name, clamp(float(eta), -2.5, 2.5), clamp(electron["pt"], low, high), *phi
        )

    return factor


@settings(max_examples=25)
@given(lists=electrons)
def test_electrons(folder: Path, lists: list[Any]) -> None:
    events, params = events_of(lists, "ElectronGood"), parameters(folder)
    sides = dict(zip(("nominal", "Up", "Down"), EGM_KINDS, strict=True))

    def two(pt: float) -> str:
        return "RecoBelow20" if pt < 20 else "RecoAbove75"

    def three(pt: float) -> str:
        return "RecoBelow20" if pt < 20 else "Reco20to75" if pt < 75 else "RecoAbove75"

    for year, era, regions in (("2018", "2018", two), ("2023", "2023PromptC", three)):
        file = folder / f"electron_{era}.json"
        for weight, point in ((ElectronReco, regions), (ElectronId, "wp80iso")):
            expected = {side: electron_oracle(file, era, kind, point) for side, kind in sides.items()}
            check(weight(params, {"year": year}), events, lists, expected)
    expected = {
        side: electron_oracle(folder / "hlt.json", "2023PromptC", kind, "Ele30", 30) for side, kind in sides.items()
    }
    check(ElectronTrigger(params, {"year": "2023"}), events, lists, expected)


def test_supercluster_eta_of_the_selection_is_used_where_there_is_one(folder: Path) -> None:
    lists = [[{"pt": 25.0, "eta": 0.1, "etaSC": -1.0, "phi": 0.0}]]
    (value,), _ = ElectronId(parameters(folder), {"year": "2018"}).evaluate(events_of(lists, "ElectronGood"), 1, "x")
    electron = {"pt": 25.0, "eta": -1.0, "deltaEtaSC": 0.0}
    assert value == electron_oracle(folder / "electron_2018.json", "2018", "sf", "wp80iso")(electron)
    assert len(present(lists[0])) == 1


def test_identification_by_year_and_collection_by_parameter(folder: Path) -> None:
    params = parameters(folder)
    params.object_preselection.Electron.id = {"2018": "mvaIso_WP80"}
    params.lepton_scale_factors.electron_sf.collection = "Tight"
    events = events_of([[{"pt": 25.0, "eta": 0.1, "deltaEtaSC": 0.0, "phi": 0.0}]], "Tight")
    assert ElectronId(params, {"year": "2018"}).evaluate(events, 1, "nominal")[0] != 1
    params.object_preselection.Electron.id = {"2017": "mvaIso_WP80"}
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2018' in object_preselection\.Electron\.id"):
        ElectronId(params, {"year": "2018"}).evaluate(events, 1, "nominal")


def test_one_working_point_for_all_identifications(folder: Path) -> None:
    events = events_of([[{"pt": 25.0, "eta": 0.1, "deltaEtaSC": 0.0, "phi": 0.0}]], "ElectronGood")
    expected, _ = ElectronId(parameters(folder), {"year": "2018"}).evaluate(events, 1, "nominal")
    params = parameters(folder)
    params.lepton_scale_factors.electron_sf.id = "wp80iso"
    del params.object_preselection
    found, _ = ElectronId(params, {"year": "2018"}).evaluate(events, 1, "nominal")
    assert found == expected != 1


def test_errors(folder: Path) -> None:
    params = parameters(folder)
    events = events_of([[{"pt": 25.0, "eta": 0.1, "deltaEtaSC": 0.0, "phi": 0.0}]], "ElectronGood")
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2081' in .*electron_sf\.JSONfiles, did you mean"):
        ElectronReco(params, {"year": "2081"}).evaluate(events, 1, "nominal")
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2018' in .*trigger_sf"):
        ElectronTrigger(params, {"year": "2018"}).evaluate(events, 1, "nominal")
    content = params.lepton_scale_factors.electron_sf.JSONfiles["2018"]
    for region in ("below20", "pt"):
        content.reco = {region: "RecoBelow20"}
        with pytest.raises(ConfigError, match=f"weight 'sf_ele_reco': range '{region}' isn't like pt_lt_20"):
            ElectronReco(params, {"year": "2018"}).evaluate(events, 1, "nominal")
    content.reco = {"pt_lt_20": "RecoBelow20"}
    with pytest.raises(ConfigError, match=r"an electron's pt is in no range of JSONfiles\.2018\.reco"):
        ElectronReco(params, {"year": "2018"}).evaluate(events, 1, "nominal")
    del params.lepton_scale_factors.electron_sf.era_mapping
    with pytest.raises(UnknownNameError, match=r"unknown year '2023' in correction 'Electron-ID-SF'"):
        ElectronId(params, {"year": "2023"}).evaluate(events, 1, "nominal")
