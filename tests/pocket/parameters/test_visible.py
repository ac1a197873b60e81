from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from pocket.errors import ConfigError, UnknownNameError
from pocket.parameters.access import parameter
from pocket.parameters.values import Parameters
from pocket.parameters.visible import Reader, guarded, visible
from tests.entries import check_each

PARAMETERS: dict[str, Any] = {
    "lumi": {"picobarns": {"2017": {"tot": 1.0}, "2018": {"tot": 2.0}}, "goldenJSON": {"2017": "a", "2018": "b"}},
    "event_flags": {"2017": ["x"], "2018": ["y"]},
    "HLT_triggers": {"2018": {"SingleMuon": ["Mu"]}},
    "object_preselection": {"Muon": {"pt": 24.0, "eta": 2.4}, "Electron": {"pt": 20.0}},
    "jets_calibration": {"jet_types": {"AK4": {"2017": {"jer": "old"}, "2018": {"jer": "new"}}}, "smearing_seed": 1},
    "dimuon": {"low": 60.0, "high": {"2017": 1, "2018": 2}},
    "_private": 3,
}
NAMES = frozenset({"lumi", "goldenJSON", "event_flags", "HLT", "_triggers", "object_preselection", "Muon"})
READER = Reader(NAMES, frozenset({"2018"}))


def test_named_sections_keys_and_years() -> None:
    assert visible(PARAMETERS, READER) == {
        "lumi": {"goldenJSON": {"2018": "b"}},
        "event_flags": {"2018": ["y"]},
        "HLT_triggers": {"2018": {"SingleMuon": ["Mu"]}},
        "object_preselection": {"Muon": {"pt": 24.0, "eta": 2.4}},
        "_private": 3,
    }


def test_sections_of_the_users_own_are_whole() -> None:
    assert visible(PARAMETERS, Reader(frozenset({"dimuon"}), frozenset({"2018"})))["dimuon"] == PARAMETERS["dimuon"]


def test_years_deep_in_a_section() -> None:
    reader = Reader(frozenset({"jets_calibration", "jet_types"}), frozenset({"2018"}))
    assert visible(PARAMETERS, reader)["jets_calibration"] == {"jet_types": {"AK4": {"2018": {"jer": "new"}}}}


def test_a_table_without_one_of_the_years() -> None:
    reader = Reader(NAMES, frozenset({"2016", "2018"}))
    assert visible(PARAMETERS, reader)["event_flags"] == {"2018": ["y"]}
    later = {**PARAMETERS, "event_flags": {"2031_preLS5": ["x"], "2018": ["y"], "toys": []}}
    assert visible(later, reader)["event_flags"] == {"2018": ["y"]}
    # A key that may be no year
    other = {**PARAMETERS, "event_flags": {"mine": ["x"], "2018": ["y"]}}
    assert visible(other, reader)["event_flags"] == other["event_flags"]
    with pytest.raises(UnknownNameError, match=r"unknown parameter '2016' in event_flags, did you mean '201[78]'"):
        parameter(guarded(PARAMETERS, reader), "event_flags", "2016")


def test_years_that_code_names() -> None:
    assert set(visible(PARAMETERS, Reader(NAMES | {"2017"}, frozenset({"2018"})))["event_flags"]) == {"2017", "2018"}


def test_what_is_listed_is_whole() -> None:
    assert visible(PARAMETERS, Reader(frozenset(), listed=("*",))) == PARAMETERS
    listed = Reader(NAMES, frozenset({"2018"}), ("lumi",))
    assert visible(PARAMETERS, listed)["lumi"] == PARAMETERS["lumi"]
    assert dict(guarded(PARAMETERS, listed).lumi.picobarns) == PARAMETERS["lumi"]["picobarns"]
    assert set(guarded(PARAMETERS, Reader(frozenset(), listed=("*",)))) == set(PARAMETERS)


def test_what_may_be_read() -> None:
    params = guarded(PARAMETERS, READER)
    assert params.object_preselection.Muon.pt == 24.0
    assert params["lumi"]["goldenJSON"]["2018"] == "b"
    assert parameter(params, "HLT_triggers", "2018", "SingleMuon") == ["Mu"]
    assert list(params.object_preselection.Muon.items()) == [("pt", 24.0), ("eta", 2.4)]
    # what code names, but isn't there
    assert "Muon" not in guarded({"object_preselection": {}}, READER).object_preselection
    assert guarded({}, READER).get("lumi") is None
    assert guarded({}, READER).get("scale_factors", 3) == 3
    with pytest.raises(AttributeError):
        _ = guarded({}, READER).lumi
    # what a library may ask for
    assert not hasattr(params, "__array__")


@check_each(
    ("read", "what"),
    [
        (lambda params: params.dimuon, "section 'dimuon' of the parameters"),
        (lambda params: params["dimuon"], "section 'dimuon' of the parameters"),
        (lambda params: params.get("dimuon"), "section 'dimuon' of the parameters"),
        (lambda params: "dimuon" in params, "section 'dimuon' of the parameters"),
        (lambda params: parameter(params, "dimuon", "low"), "section 'dimuon' of the parameters"),
        # nor what isn't there: it could be tomorrow
        (lambda params: params.get("nowhere"), "section 'nowhere' of the parameters"),
        (lambda params: params.lumi.picobarns, "parameter lumi.picobarns"),
        (lambda params: params.event_flags["2017"], "parameter event_flags.2017"),
        (lambda params: copy.deepcopy(params).dimuon, "section 'dimuon' of the parameters"),
        (lambda params: pickle.loads(pickle.dumps(params)).dimuon, "section 'dimuon' of the parameters"),
    ],
)
def test_anything_else_is_refused(read: Any, what: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(guarded(PARAMETERS, READER))
    section = "lumi" if "lumi" in what else "event_flags" if "event" in what else what.split("'")[1]
    (line,) = str(error.value).splitlines()
    assert line.startswith("<lambda>() in test_visible.py, line ")
    assert f"reads {what}, which no code of this configuration names: write the name out where it is read" in line
    assert line.endswith(f"or list '{section}' in parameters_read= of the configuration")


@pytest.mark.parametrize(
    ("read", "what", "listed"),
    [
        (list, "all sections", "*"),
        (lambda params: {**params}, "all sections", "*"),
        (lambda params: list(params.lumi.goldenJSON.values()), "all of 'lumi.goldenJSON'", "lumi"),
        (lambda params: dict(params.object_preselection), "all of 'object_preselection'", "object_preselection"),
    ],
)
def test_going_through_a_part_is_refused(read: Any, what: str, listed: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(guarded(PARAMETERS, READER))
    assert f"loops over {what} in the parameters, but only entries that code names are available" in str(error.value)
    assert str(error.value).endswith(f"list '{listed}' in parameters_read= of the configuration")


def test_errors_know_all_names() -> None:
    params = guarded({"object_preselection": {"Muon": {}}}, Reader(NAMES | {"Moun"}), known=["dimuon"])
    with pytest.raises(UnknownNameError, match="unknown parameter 'Moun' in object_preselection, did you mean 'Muon'"):
        parameter(params, "object_preselection", "Moun")


def test_it_is_read_only() -> None:
    params = guarded(PARAMETERS, READER)
    line = test_it_is_read_only.__code__.co_firstlineno + 5
    where = rf"test_it_is_read_only\(\) in test_visible\.py, line {line}, changes lumi\.goldenJSON\.2018, .*read-only"
    with pytest.raises(ConfigError, match=where):
        params.lumi.goldenJSON["2018"] = "c"
    with pytest.raises(ConfigError, match=r"changes lumi\.goldenJSON\.year, but parameters are read-only"):
        params.lumi.goldenJSON.year = "2018"
    with pytest.raises(ConfigError, match=r"changes lumi\.goldenJSON, but"):
        del params.lumi["goldenJSON"]


def read_own(params: Parameters) -> Any:
    return params.dimuon.lwo


def test_a_misspelt_key_of_an_own_section() -> None:
    parameters = {"dimuon": {"low": 60.0, "legs": [{"pt": 20.0}], "open": "???", 2018: {"a": 1}}}
    params = guarded(parameters, Reader(frozenset({"dimuon"})))
    line = read_own.__code__.co_firstlineno + 1
    place = rf"\(read_own\(\) in test_visible\.py, line {line}\)"
    with pytest.raises(
        ConfigError, match=rf"^unknown parameter 'lwo' in dimuon {place}, did you mean 'low'\?$"
    ) as caught:
        read_own(params)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    for copied in (params, copy.deepcopy(params), pickle.loads(pickle.dumps(params))):
        with pytest.raises(ConfigError, match=r"unknown parameter 'ptt' in dimuon\.legs\[0\] \(.*, did you mean 'pt'"):
            copied.dimuon.legs[0]["ptt"]
        with pytest.raises(ConfigError, match=r"unknown parameter 'b' in dimuon.*2018.* known: a"):
            copied.dimuon[2018]["b"]


def test_code_may_ask_whether_a_parameter_is_there() -> None:
    dimuon = guarded({"dimuon": {"low": 60.0, "open": "???"}}, Reader(frozenset({"dimuon"}))).dimuon
    assert hasattr(dimuon, "low")
    assert not hasattr(dimuon, "high")
    assert "high" not in dimuon
    assert getattr(dimuon, "high", 3) == dimuon.get("high", 3) == 3
    with pytest.raises(KeyError):
        dimuon["high"]
    assert list(dimuon) == ["low", "open"]


def test_a_missing_value_is_an_error_for_who_reads_it() -> None:
    params = guarded({"dimuon": {"low": 60.0, "open": "???"}}, Reader(frozenset({"dimuon"})))
    assert params.dimuon.low == 60.0
    for read in (lambda: params.dimuon.open, lambda: params.dimuon["open"]):
        with pytest.raises(
            ConfigError, match=r"^parameter dimuon\.open is still '\?\?\?': .*, reads it, so give it a value$"
        ):
            read()


def test_names_of_a_table_without_a_guard() -> None:
    params = guarded(PARAMETERS, Reader(frozenset({"dimuon"})))
    with pytest.raises(UnknownNameError, match="unknown parameter 'lwo' in dimuon, did you mean 'low'"):
        parameter(params, "dimuon", "lwo")
