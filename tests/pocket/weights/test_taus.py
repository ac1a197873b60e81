"""Weights of taus, with the group's file of 2018 and files in its schema for all other years."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import UnknownNameError
from pocket.parameters.defaults import get_default_parameters
from pocket.weights.taus import TauVsElectron, TauVsJet, TauVsMuon, TauWeight
from tests.group_files import ROOT, a_year_of_each_run, needs_files
from tests.params.test_shipped import DATA
from tests.pocket.tau_files import sources, write_tau_file

N_TAUS = 10_000
PERIODS = {"2016_PreVFP": "2016_preVFP", "2016_PostVFP": "2016_postVFP"}


def taus_of(seed: int, n_taus: int = N_TAUS) -> ak.Array:
    """Return taus of all kinds, with momenta and directions at the edges of bins and beyond them."""
    rng = np.random.default_rng(seed)
    pt, eta = rng.exponential(60, n_taus) + 20, rng.uniform(-2.5, 2.5, n_taus)
    for column, edges in (
        (pt, [18, 20, 25, 40, 140, 200, 20_000]),
        (eta, [-2.5, -2.3, -1.5, -0.4, 0, 1.46, 1.558, 2.3]),
    ):
        for edge in edges:
            column[rng.integers(0, n_taus, 40)] = edge
    columns = {
        "pt": pt.astype(np.float32),
        "eta": eta.astype(np.float32),
        "decayMode": rng.choice(np.array([0, 1, 10, 11], dtype=np.int32), n_taus),
        "genPartFlav": rng.choice(np.arange(6, dtype=np.uint8), n_taus),
    }
    counts = rng.multinomial(n_taus, np.full(4000, 1 / 4000))
    return ak.Array({"TauGood": ak.unflatten(ak.zip(columns), counts)})


def parameters(year: str, file: str, form: str = "", variations: list[str] | None = None) -> Any:
    """Return the shipped parameters with a file, and a form of the scale factors."""
    changes: dict[str, Any] = {"tau_scale_factors": {"JSONfiles": {year: {"file": file}}}}
    if form:
        changes["tau_scale_factors"]["form"] = {year: form}
    if variations is not None:
        changes["systematic_variations"] = {"weight_variations": {"sf_tau_vsjet": {year: variations}}}
    return OmegaConf.merge(get_default_parameters(), changes)


def check(weight: TauWeight, events: ak.Array, factor: Any, kinds: dict[str, str]) -> None:
    """Compare a weight with products of a factor, computed tau by tau."""
    nominal, varied = weight.evaluate(events, len(events), "nominal")
    lists = events.TauGood.to_list()
    found = {"nominal": nominal, **{name.removeprefix(weight.name): values for name, values in varied.items()}}
    assert set(found) == set(kinds)
    for name, kind in kinds.items():
        expected = [math.prod(factor(tau, kind) for tau in taus) for taus in lists]
        np.testing.assert_allclose(found[name], expected, rtol=1e-14, atol=1e-15, err_msg=name)
    if len(kinds) > 1:
        assert all(np.any(found[name] != nominal) for name in kinds if name != "nominal")
    assert weight.evaluate(events, len(events), "JERUp")[1] == {}


def jet_factor(corrections: Any, tagger: str, forms: tuple[str, str], keys: dict[str, list[str]]) -> Any:
    """Return the scale factor of a tau against jets; a total that isn't there is the sum of sources in quadrature."""
    correction = corrections[f"{tagger}VSjet"]

    def factor(tau: dict[str, Any], kind: str) -> float:
        form = forms[tau["pt"] >= 140]
        value = {
            key: correction.evaluate(tau["pt"], tau["decayMode"], tau["genPartFlav"], "Medium", "VVLoose", key, form)
            for key in ("nom", kind)
        }
        if kind not in ("up", "down") or kind in keys[form]:
            return float(value[kind])
        changes = [
            correction.evaluate(tau["pt"], tau["decayMode"], tau["genPartFlav"], "Medium", "VVLoose", key, form)
            - value["nom"]
            for key in keys[form]
            if key.endswith(f"_{kind}")
        ]
        total = math.sqrt(math.fsum(change**2 for change in changes))
        return float(value["nom"] + (total if kind == "up" else -total))

    return factor


@pytest.fixture(scope="module")
def of_2018(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The group's corrections of 2018 without those of the trigger, which fill most of the file."""
    with gzip.open(ROOT / "POG" / "TAU" / "2018_UL" / "tau.json.gz", "rt") as file:
        content = json.load(file)
    content["corrections"] = [each for each in content["corrections"] if each["name"] != "tau_trigger"]
    path = tmp_path_factory.mktemp("tau") / "tau.json"
    path.write_text(json.dumps(content))
    return str(path)


TOTAL = {"nominal": "nom", "Up": "up", "Down": "down"}


@needs_files
@pytest.mark.parametrize("form", ["pt", *(pytest.param(form, marks=pytest.mark.slow) for form in ("dm", "dm_and_pt"))])
def test_identification_against_jets_in_2018(of_2018: str, form: str) -> None:
    corrections = correctionlib.CorrectionSet.from_file(of_2018)
    keys = sources("2018", run_3=False)
    forms = {"pt": ("pt", "pt"), "dm": ("dm", "dm"), "dm_and_pt": ("dm", "pt")}[form]
    factor = jet_factor(corrections, "DeepTau2017v2p1", forms, keys)
    weight = TauVsJet(parameters("2018", of_2018, form), {"year": "2018"})
    weight.check_parameters()
    check(weight, taus_of(1), factor, TOTAL)


@pytest.mark.slow
@needs_files
def test_sources_of_2018(of_2018: str) -> None:
    corrections = correctionlib.CorrectionSet.from_file(of_2018)
    factor = jet_factor(corrections, "DeepTau2017v2p1", ("dm", "dm"), sources("2018", run_3=False))
    names = ["stat1_dm0", "stat2_dm11", "syst_alleras", "syst_2018", "syst_2018_dm10"]
    kinds = {"nominal": "nom"} | {
        f"_{name}{side}": f"{name}_{side.lower()}" for name in names for side in ("Up", "Down")
    }
    check(TauVsJet(parameters("2018", of_2018, "dm", names), {"year": "2018"}), taus_of(2), factor, kinds)
    wrong = TauVsJet(parameters("2018", of_2018, "dm", ["syst_2017"]), {"year": "2018"})
    with pytest.raises(UnknownNameError, match=r"unknown uncertainty 'syst_2017' .*did you mean 'syst_2018'"):
        wrong.evaluate(taus_of(2, 100), 4000, "nominal")


@pytest.mark.slow
@needs_files
def test_electrons_and_muons_in_2018(of_2018: str) -> None:
    corrections = correctionlib.CorrectionSet.from_file(of_2018)
    params, events = parameters("2018", of_2018), taus_of(3)
    for cls, name, point in (
        (TauVsElectron, "DeepTau2017v2p1VSe", "VVLoose"),
        (TauVsMuon, "DeepTau2017v2p1VSmu", "Tight"),
    ):

        def factor(tau: dict[str, Any], kind: str, name: str = name, point: str = point) -> float:
            return float(corrections[name].evaluate(tau["eta"], tau["genPartFlav"], point, kind))

        check(cls(params, {"year": "2018"}), events, factor, TOTAL)


@pytest.mark.parametrize("year", a_year_of_each_run(DATA))
def test_all_years(year: str, tmp_path: Path) -> None:
    run_3 = year > "2019"
    tagger, period = "DeepTau2018v2p5" if run_3 else "DeepTau2017v2p1", PERIODS.get(year, year)
    file = write_tau_file(tmp_path / "tau.json", tagger, period)
    corrections = correctionlib.CorrectionSet.from_file(file)
    params, events = parameters(year, file), taus_of(4, N_TAUS)
    forms = ("dm", "pt") if run_3 else ("pt", "pt")
    weights = [cls(params, {"year": year}) for cls in (TauVsJet, TauVsElectron, TauVsMuon)]
    for weight in weights:
        weight.check_parameters()
    assert [weight.corrections() for weight in weights] == [
        [(file, f"{tagger}{against}")] for against in ("VSjet", "VSe", "VSmu")
    ]
    check(weights[0], events, jet_factor(corrections, tagger, forms, sources(period, run_3)), TOTAL)

    def electron(tau: dict[str, Any], kind: str) -> float:
        mode = [tau["decayMode"]] if run_3 else []
        return float(corrections[f"{tagger}VSe"].evaluate(tau["eta"], *mode, tau["genPartFlav"], "VVLoose", kind))

    def muon(tau: dict[str, Any], kind: str) -> float:
        return float(corrections[f"{tagger}VSmu"].evaluate(tau["eta"], tau["genPartFlav"], "Tight", kind))

    check(weights[1], events, electron, TOTAL)
    check(weights[2], events, muon, TOTAL)


def test_mistakes(tmp_path: Path) -> None:
    file = write_tau_file(tmp_path / "tau.json", "DeepTau2017v2p1", "2018")
    metadata, events = {"year": "2018"}, taus_of(5, 200)
    params = parameters("2018", file, "ptt")
    with pytest.raises(
        UnknownNameError, match=r"form of scale factors 'ptt' in tau_scale_factors.form.2018, did you mean"
    ):
        TauVsJet(params, metadata).check_parameters()
    params = parameters("2018", file)
    params.object_preselection.Tau.VSjet = "Medum"
    with pytest.raises(UnknownNameError, match=r"working point 'Medum' in object_preselection.Tau.VSjet, did you mean"):
        TauVsMuon(params, metadata).check_parameters()
    params.object_preselection.Tau.VSjet = "VVTight"
    with pytest.raises(UnknownNameError, match="unknown wp 'VVTight' in correction 'DeepTau2017v2p1VSjet'"):
        TauVsJet(params, metadata).evaluate(events, len(events), "nominal")
    params.object_preselection.Tau.VSjet = {"2018": "Tight"}
    assert TauVsJet(params, metadata).texts() == {"wp": "Tight", "wpvse": "VVLoose"}
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2017' in object_preselection\.Tau\.VSjet"):
        TauVsJet(params, {"year": "2017"}).texts()


def test_events_without_taus(tmp_path: Path) -> None:
    file = write_tau_file(tmp_path / "tau.json", "DeepTau2018v2p5", "2024")
    empty = taus_of(6, 50)[[]]
    nominal, varied = TauVsJet(parameters("2024", file), {"year": "2024"}).evaluate(empty, 0, "nominal")
    assert [len(values) for values in (nominal, *varied.values())] == [0, 0, 0]
