"""Exported scale factors, evaluated by the shipped weights, against numbers that are computed bin by bin."""

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import correctionlib
import correctionlib.schemav2 as schema
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import PocketError
from pocket.parameters.defaults import get_default_parameters
from pocket.scale_factors import Imported
from pocket.scale_factors.files import importing
from pocket.scale_factors.files.published import LAYOUTS, place, write
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.binning import Categories, length
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult
from pocket.weights.btag import BTagFixedWorkingPoint
from pocket.weights.leptons import ElectronId, ElectronTrigger, MuonId
from pocket.weights.taus import TauVsElectron, TauVsJet, TauVsMuon
from tests.group_files import ROOT, needs_files
from tests.pocket.weights.objects import events_of

PT, ETA, ABSETA = (20.0, 30.0, 50.0, 120.0), (-2.5, -1.0, 0.5, 2.5), (0.0, 1.2, 2.4)
SOURCES = ("AltSig", "tagIso")


def result_of(name: str, sources: tuple[str, ...] = SOURCES, **axes: Any) -> ScaleFactorResult:
    """Return random values with errors whose sides differ, and sources that go up, down, or to one side twice."""
    random = np.random.default_rng(len(axes) + len(name))
    shape = tuple(map(length, axes.values()))
    flow = {axis: "clamp" for axis, content in axes.items() if not isinstance(content, Categories)}
    return ScaleFactorResult(
        name=name,
        method="TagAndProbeFit",
        description=f"the scale factor {name}",
        quantity="weight",
        axes=axes,
        flow=flow,  # type: ignore[arg-type]
        scale_factor=Measurement(
            random.uniform(0.9, 1.1, shape), random.uniform(0.01, 0.02, shape), random.uniform(0.02, 0.03, shape)
        ),
        systematics={
            source: (random.uniform(-0.02, 0.04, shape), random.uniform(-0.04, 0.02, shape)) for source in sources
        },
        groups=np.arange(math.prod(shape)).reshape(shape),
        status=("valid",) * math.prod(shape),
    )


def chain_file(result: ScaleFactorResult) -> dict[str, Any]:
    """Return the correction that the chain writes for a measurement."""
    return json.loads(dumps(result))["corrections"][0]


def export(path: Path, result: ScaleFactorResult, layout: str, *names: str, **inputs: str) -> str:
    """Write a file and return its path; it must have correctionlib's schema, and its evaluator must read it."""
    text = write({result.name: chain_file(result)}, layout, names, inputs).model_dump_json(exclude_unset=True)
    assert schema.CorrectionSet.model_validate_json(text).schema_version == 2
    assert set(correctionlib.CorrectionSet.from_string(text)) == set(names)
    path.write_bytes(gzip.compress(text.encode()))
    return str(path)


def in_bin(result: ScaleFactorResult, index: tuple[int, ...]) -> dict[str, Any]:
    """Return the numbers of one bin, from the definitions of errors."""
    value, stat = float(result.scale_factor.value[index]), result.scale_factor
    up, down = [float(stat.up[index])], [float(stat.down[index])]
    sizes = {"stat": max(*up, *down)}
    for source, shifts in result.systematics.items():
        both = [float(shift[index]) for shift in shifts]
        up.append(max(0.0, *both))
        down.append(-min(0.0, *both))
        sizes[source] = max(map(abs, both))
    squares = [size**2 for source, size in sizes.items() if source != "stat"]
    sums = {"up": value + math.sqrt(sum(x * x for x in up)), "down": value - math.sqrt(sum(x * x for x in down))}
    return {"nominal": value, **sums, "sizes": {**sizes, "syst": math.sqrt(sum(squares))}}


def bins(result: ScaleFactorResult) -> list[tuple[tuple[int, ...], dict[str, Any]]]:
    """Return the place of each bin, with values inside of it: some at its lower edge, some at its centre."""
    found = []
    for number, index in enumerate(itertools.product(*(range(length(axis)) for axis in result.axes.values()))):
        point = {}
        for (name, axis), position in zip(result.axes.items(), index, strict=True):
            if isinstance(axis, Categories):
                point[name] = axis.values[position]
            else:
                point[name] = axis[position] + (axis[position + 1] - axis[position]) * (0.5 if number % 2 else 0.0)
        found.append((index, point))
    return found


def evaluated(weight: Any, changes: Mapping[str, Any], collection: str, objects: list[Any]) -> dict[str, Any]:
    """Return nominal, up and down weights of events with one object each."""
    params = OmegaConf.merge(get_default_parameters(), changes)
    metadata = {"year": "2018", "isMC": True, "sample": "TT"}
    events = events_of([[one] for one in objects], collection)
    nominal, varied = weight(params, metadata).evaluate(events, len(objects), "nominal")
    return {"nominal": nominal, **{key.removeprefix(f"{weight.name}").lower(): each for key, each in varied.items()}}


def check(result: ScaleFactorResult, found: Mapping[str, Any]) -> None:
    expected = [in_bin(result, index) for index, _ in bins(result)]
    for side in ("nominal", "up", "down"):
        np.testing.assert_allclose(found[side], [one[side] for one in expected], rtol=1e-14)


@pytest.mark.parametrize(("eta", "edges"), [("abseta", ABSETA), ("eta", ETA)])
def test_muons(tmp_path: Path, eta: str, edges: tuple[float, ...]) -> None:
    result = result_of("muon_id", pt=PT, **{eta: edges})
    name = "NUM_TightID_DEN_TrackerMuons"
    file = export(tmp_path / "muon_Z.json.gz", result, "MUO", name)
    changes = {"lepton_scale_factors": {"muon_sf": {"JSONfiles": {"2018": {"file": file}}}}}
    for sign in (1, -1) if eta == "abseta" else (1,):
        muons = [{"pt": point["pt"], "eta": sign * point[eta]} for _, point in bins(result)]
        check(result, evaluated(MuonId, changes, "MuonGood", muons))
    correction = correctionlib.CorrectionSet.from_file(file)[name]
    for index, point in bins(result):
        for key, size in in_bin(result, index)["sizes"].items():
            assert correction.evaluate(point[eta], point["pt"], key) == pytest.approx(size, abs=1e-15)


@pytest.mark.parametrize("phi", [{}, {"phi": (-3.2, 0.0, 3.2)}])
def test_electrons(tmp_path: Path, phi: dict[str, Any]) -> None:
    result = result_of("electron_id", pt=PT, etaSC=ETA, **phi)
    inputs = {"year": "2018", "WorkingPoint": "wp90iso"}
    file = export(tmp_path / "electron.json.gz", result, "EGM", "UL-Electron-ID-SF", **inputs)
    section = {"id": "wp90iso", "JSONfiles": {"2018": {"files": {"id": file}}}}
    electrons = [{"phi": 1.0, "eta": -9.0, **point} for _, point in bins(result)]
    changes = {"lepton_scale_factors": {"electron_sf": section}}
    check(result, evaluated(ElectronId, changes, "ElectronGood", electrons))


def test_trigger_of_electrons_by_the_magnitude_of_another_axis(tmp_path: Path) -> None:
    result = result_of("ele_trigger", pt=PT, absetaSC=ABSETA)
    file = export(tmp_path / "hlt.json.gz", result, "EGM-HLT", "Electron-HLT-SF", year="2018", Path="Ele30")
    trigger = {"file": file, "name": "Electron-HLT-SF", "path": "Ele30"}
    electrons = [{"phi": 1.0, "pt": point["pt"], "etaSC": -point["absetaSC"]} for _, point in bins(result)]
    changes = {"lepton_scale_factors": {"electron_sf": {"trigger_sf": {"2018": trigger}}}}
    check(result, evaluated(ElectronTrigger, changes, "ElectronGood", electrons))


def test_each_year_of_a_measurement(tmp_path: Path) -> None:
    """The year is an input of one layout, and chosen for the other."""
    result = result_of("id", year=Categories(("2018", "2022")), pt=PT, eta=ETA)
    electrons = export(tmp_path / "electron.json.gz", result, "EGM", "Electron-ID-SF", WorkingPoint="Tight")
    muons = export(tmp_path / "muon.json.gz", result, "MUO", "NUM", year="2022")
    of_electrons = correctionlib.CorrectionSet.from_file(electrons)["Electron-ID-SF"]
    of_muons = correctionlib.CorrectionSet.from_file(muons)["NUM"]
    for index, point in bins(result):
        expected = in_bin(result, index)["up"]
        of_year = of_electrons.evaluate(point["year"], "sfup", "Tight", point["eta"], point["pt"])
        assert of_year == pytest.approx(expected, rel=1e-14)
        value = of_muons.evaluate(point["eta"], point["pt"], "systup")
        assert (value == of_year) is (point["year"] == "2022")


def test_b_tagging(tmp_path: Path) -> None:
    result = result_of("btag_wp", ("pileup",), flavor=Categories((5, 4, 0)), pt=PT)
    names, inputs = ("deepJet_comb", "deepJet_incl"), {"working_point": "M", "abseta": "0:2.5"}
    file = export(tmp_path / "btagging.json.gz", result, "BTV", *names, **inputs)
    variables = [schema.Variable(name="pt", type="real")]
    flat = schema.Correction(
        name="eff", version=1, inputs=variables, output=schema.Variable(name="efficiency", type="real"), data=0.5
    )
    efficiency = tmp_path / "eff.json"
    efficiency.write_text(schema.CorrectionSet(schema_version=2, corrections=[flat]).model_dump_json())
    jet_scale_factors = {
        "jet_collection": {"btag": "JetGood"},
        "btagSF": {"2018": {"file": file, "fixed_wp": {"bc": "deepJet_comb", "light": "deepJet_incl"}}},
        "btag_efficiency": {"2018": {"file": str(efficiency), "name": "eff"}},
    }
    changes = {
        "jet_scale_factors": jet_scale_factors,
        "object_preselection": {"Jet": {"btag": {"wp": "M"}}},
    }
    jets = [
        {"pt": point["pt"], "eta": -1.0, "hadronFlavour": point["flavor"], "btagDeepFlavB": 0.99}
        for _, point in bins(result)
    ]
    found = evaluated(BTagFixedWorkingPoint, changes, "JetGood", jets)
    heavy = np.array([jet["hadronFlavour"] > 0 for jet in jets])
    sides = {side: np.where(heavy, found[f"_heavy{side}"], found[f"_light{side}"]) for side in ("up", "down")}
    check(result, {"nominal": found["nominal"], **sides})
    # The other group of flavours doesn't change.
    np.testing.assert_array_equal(found["_heavyup"][~heavy], found["nominal"][~heavy])
    corrections = correctionlib.CorrectionSet.from_file(file)
    for index, point in bins(result):
        correction = corrections["deepJet_comb" if point["flavor"] else "deepJet_incl"]
        shifts = result.systematics["pileup"]
        for key, shift in (
            ("up_pileup", shifts[0]),
            ("down_pileup", shifts[1]),
            ("up_statistic", result.scale_factor.up),
        ):
            expected = result.scale_factor.value[index] + shift[index]
            assert correction.evaluate(key, "M", point["flavor"], 1.0, point["pt"]) == pytest.approx(
                expected, rel=1e-14
            )
    with pytest.raises(RuntimeError):
        corrections["deepJet_comb"].evaluate("central", "M", 5, 2.6, 40.0)
    with pytest.raises(IndexError):
        corrections["deepJet_incl"].evaluate("central", "M", 5, 1.0, 40.0)


TAUS = {
    "pt": (TauVsJet, "TAU-VSjet", 5, {"pt": PT}, {"wp": "Medium", "wp_VSe": "VVLoose"}),
    "dm": (
        TauVsJet,
        "TAU-VSjet",
        5,
        {"dm": Categories((0, 1, 10, 11)), "pt": PT},
        {"wp": "Medium", "wp_VSe": "VVLoose"},
    ),
    "electrons": (TauVsElectron, "TAU-VSe", 3, {"abseta": ABSETA}, {"wp": "VVLoose"}),
    "muons": (TauVsMuon, "TAU-VSmu", 2, {"abseta": ABSETA}, {"wp": "Tight"}),
}


@pytest.mark.parametrize("case", TAUS)
def test_taus(tmp_path: Path, case: str) -> None:
    weight, layout, match, axes, inputs = TAUS[case]
    result = result_of("tau_id", **axes)
    file = export(tmp_path / "tau.json.gz", result, layout, f"DeepTau2017v2p1{weight.against}", **inputs)
    form = {"form": {"2018": case}} if weight is TauVsJet else {}
    changes = {"tau_scale_factors": {"JSONfiles": {"2018": {"file": file}}, **form}}
    taus = [
        {"pt": point.get("pt", 40.0), "eta": -point.get("abseta", 1.0), "decayMode": point.get("dm", 1)}
        for _, point in bins(result)
    ]
    check(result, evaluated(weight, changes, "TauGood", [{**tau, "genPartFlav": match} for tau in taus]))
    others = evaluated(weight, changes, "TauGood", [{**tau, "genPartFlav": 0} for tau in taus])
    assert all(np.all(values == 1) for values in others.values())


def groups() -> list[Any]:
    """Return layout, folder and names of corrections of the groups, with the axes and values that the file needs."""
    eta = {"pt": PT, "eta": ETA}
    rows: list[Any] = []
    for era in ("2018_UL", "2022_Summer22EE", "2023_Summer23BPix"):
        ul, phi = era == "2018_UL", {"phi": (-3.2, 0.0, 3.2)} if era.startswith("2023") else {}
        id_name = "UL-Electron-ID-SF" if ul else "Electron-ID-SF"
        jets = {"flavor": Categories((5, 4, 0)), "pt": PT, "abseta": ABSETA}
        light = "deepJet_incl" if ul else "deepJet_light"
        rows += [
            ("MUO", f"MUO/{era}", ["NUM_TightID_DEN_TrackerMuons"], eta, {}),
            ("EGM", f"EGM/{era}", [id_name], {**eta, **phi}, {"year": "y", "WorkingPoint": "Tight"}),
            ("BTV", f"BTV/{era}", ["deepJet_comb", light], jets, {"working_point": "M"}),
        ]
        if not ul:
            rows.append(("EGM-HLT", f"EGM/{era}", ["Electron-HLT-SF"], eta, {"year": "y", "Path": "Ele30"}))
    tau = "DeepTau2017v2p1"
    return [
        *rows,
        ("TAU-VSjet", "TAU/2018_UL", [f"{tau}VSjet"], {"pt": PT}, {"wp": "M", "wp_VSe": "T"}),
        ("TAU-VSe", "TAU/2018_UL", [f"{tau}VSe"], {"eta": ETA}, {"wp": "M"}),
        ("TAU-VSmu", "TAU/2018_UL", [f"{tau}VSmu"], {"eta": ETA}, {"wp": "M"}),
    ]


def keys_below(node: Any, name: str) -> set[Any]:
    """Return the keys of an input anywhere in a tree."""
    if isinstance(node, list):
        return set().union(*(keys_below(each, name) for each in node), set())
    if not isinstance(node, dict):
        return set()
    own = {item["key"] for item in node["content"]} if node.get("input") == name and "key" in str(node) else set()
    own = own if node.get("nodetype") == "category" else set()
    return own.union(*(keys_below(each, name) for each in node.values()))


@needs_files
@pytest.mark.parametrize(("layout", "folder", "names", "axes", "inputs"), groups())
def test_inputs_and_keys_of_the_groups(layout: str, folder: str, names: Any, axes: Any, inputs: Any) -> None:
    path = ROOT / "POG" / folder / LAYOUTS[layout].file
    real = {each["name"]: each for each in json.loads(gzip.decompress(path.read_bytes()))["corrections"]}
    result = result_of("x", ("statistic2",), **axes)
    written = write({"x": chain_file(result)}, layout, names, inputs).model_dump()["corrections"]
    for correction in written:
        of_group = real[correction["name"]]
        kinds = [[(each["name"], each["type"]) for each in one["inputs"]] for one in (correction, of_group)]
        assert kinds[0] == kinds[1]
        assert correction["output"]["name"] == of_group["output"]["name"]
        kind = LAYOUTS[layout].kind
        known = keys_below(of_group["data"], kind) | ({"nom"} if layout == "TAU-VSjet" else set())
        own = {key for key in keys_below(correction["data"], kind) if "stat" not in key or key in known}
        expected = {key for key in own if "statistic2" not in key}
        assert expected <= known
        # The total uncertainty is there, whose keys are those without a source.
        assert {"up", "down", "sfup", "sfdown", "systup", "systdown"} & known <= expected
        assert {"stat", "syst"} & known == {"stat", "syst"} & expected


def test_inputs_and_keys_would_notice_another_layout() -> None:
    written = write({"x": chain_file(result_of("x", pt=PT, eta=ETA))}, "MUO", ["NUM"], {}).model_dump()
    names = [each["name"] for each in written["corrections"][0]["inputs"]]
    assert names == ["eta", "pt", "scale_factors"] != ["pt", "eta", "scale_factors"]
    assert keys_below(written["corrections"][0]["data"], "scale_factors") == {
        *("nominal", "systup", "systdown", "stat", "syst", *SOURCES)
    }


def test_an_imported_scale_factor_goes_back_into_its_layout(tmp_path: Path) -> None:
    result = result_of("muon_id", pt=PT, eta=ETA)
    name = "NUM_TightID_DEN_TrackerMuons"
    file = export(tmp_path / "muon.json.gz", result, "MUO", name)
    declaration = Imported(
        file=file,
        correction=name,
        systematic="scale_factors",
        keys={"nominal": "nominal", "up": "systup", "down": "systdown", "stat_up": "+stat", "stat_down": "-stat"},
    )
    imported = json.loads(importing.write("muon_id", declaration, importing.read(declaration, file)))["corrections"][0]
    again = write({"muon_id": imported}, "EGM", ["Electron-ID-SF"], {"year": "2018", "WorkingPoint": "Tight"})
    correction = correctionlib.CorrectionSet.from_string(again.model_dump_json(exclude_unset=True))["Electron-ID-SF"]
    for index, point in bins(result):
        for key, side in (("sf", "nominal"), ("sfup", "up"), ("sfdown", "down")):
            found = correction.evaluate("2018", key, "Tight", point["eta"], point["pt"])
            assert found == pytest.approx(in_bin(result, index)[side], rel=1e-14)
    without = json.loads(json.dumps(imported))
    without["data"]["content"] = without["data"]["content"][:1]
    with pytest.raises(PocketError, match="scale factor 'muon_id' has no 'up', which the layout needs"):
        write({"muon_id": without}, "EGM", ["a"], {"year": "2018", "WorkingPoint": "Tight"})


JETS = {"flavor": Categories((5, 0)), "pt": PT}
ERRORS: list[tuple[str, dict[str, Any], tuple[str, ...], dict[str, str], str]] = [
    (
        "MUO",
        {"ptll": PT},
        ("N",),
        {},
        "in the layout MUO depends on ptll; also needed: eta, pt, as eta=axis or eta=low:high",
    ),
    (
        "EGM",
        {"pt": PT, "eta": ETA},
        ("N",),
        {"year": "2018"},
        "also needed: WorkingPoint, as WorkingPoint=axis or .*=value",
    ),
    ("MUO", {"pt": PT, "eta": ETA, "npv": PT}, ("N",), {}, "the inputs are eta, pt: choose one bin by npv=value"),
    ("MUO", {"pt": PT, "eta": ETA}, ("N",), {"etta": "eta"}, "unknown input 'etta' .*did you mean 'eta'"),
    (
        "MUO",
        {"pt": PT, "eta": ETA},
        ("N", "M"),
        {},
        "layout MUO: give another name of a correction for each of x, not N, M",
    ),
    (
        "BTV",
        JETS,
        ("N",),
        {"working_point": "M", "abseta": "0:2.5"},
        r"another name .*for each of x of \[5\], x of \[0\], not N",
    ),
    ("BTV", JETS, ("N", "N"), {"working_point": "M", "abseta": "0:2.5"}, r"x of \[5\], x of \[0\], not N, N"),
    ("BTV", JETS, ("N", "M"), {"working_point": "M", "abseta": "2.5"}, "abseta: expected an axis, or .* range, not ''"),
    ("MUO", {"pt": Categories(("low",)), "eta": ETA}, ("N",), {}, "axis 'pt' is of the type string, 'pt' of real"),
    (
        "MUO",
        {"year": Categories(("2018",)), "pt": PT, "eta": ETA},
        ("N",),
        {"year": "2019"},
        "year '2019' isn't covered",
    ),
]


@pytest.mark.parametrize(("layout", "axes", "names", "inputs", "message"), ERRORS)
def test_errors(layout: str, axes: Any, names: Any, inputs: Any, message: str) -> None:
    with pytest.raises(PocketError, match=message):
        write({"x": chain_file(result_of("x", **axes))}, layout, names, inputs)


@pytest.mark.parametrize(("layout", "source"), [("MUO", "syst"), ("BTV", "statistic")])
def test_a_source_with_the_name_of_a_key_is_refused(layout: str, source: str) -> None:
    axes, inputs = {"pt": PT, "abseta": ABSETA}, {"working_point": "M", "flavor": "5"} if layout == "BTV" else {}
    with pytest.raises(PocketError, match=f"source '{source}' has the name of a key of the group's files"):
        write({"x": chain_file(result_of("x", (source,), **axes))}, layout, ["N"], inputs)


@pytest.mark.parametrize("quantity", ["efficiency", "calibration"])
def test_what_is_no_weight_is_refused(quantity: str) -> None:
    correction = {**chain_file(result_of("x", pt=PT, eta=ETA)), "output": {"name": quantity, "type": "real"}}
    with pytest.raises(PocketError, match=f"scale factor 'x' is no weight but of the kind '{quantity}'"):
        write({"x": correction}, "MUO", ["N"], {})


def test_shared_formulas_are_refused() -> None:
    correction = {**chain_file(result_of("x", pt=PT, eta=ETA)), "generic_formulas": [{"nodetype": "formula"}]}
    with pytest.raises(PocketError, match="scale factor 'x' has shared formulas, which can't be exported"):
        write({"x": correction}, "MUO", ["N"], {})


def test_the_axis_of_the_supercluster_and_the_magnitude() -> None:
    given = {"year": "2018", "WorkingPoint": "Tight"}
    assert place("id", ["pt", "etaSC"], "EGM", given) == {"etaSC": "eta", "pt": "pt"}
    assert place("id", ["pt", "abseta"], "MUO", {}) == {"abseta": "eta", "pt": "pt"}
    assert place("id", ["p", "abseta"], "MUO", {"pt": "p"}) == {"abseta": "eta", "p": "pt"}
