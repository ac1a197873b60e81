"""Disagreements between a configuration and the corrections that it uses, in eras, working points and values.

Each may be meant, so these are notes: corrections of another era, where a group has none for the era, and a selection
of muons by the analysis itself. What can't be meant is an error: a tagger that a file lacks
(:func:`pocket.objects.btag.is_tagged`), corrections of another kind of jets
(:class:`~pocket.calibrators.JetsCalibrator`), a run or a year that a correction doesn't have.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pocket.configuration.used_corrections import corrections_of_config
from pocket.corrections.files import find_corrections, read_corrections
from pocket.corrections.tree import kind_of, walk_with_keys
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.eras import eras
from pocket.parameters.public_places import CorrectionPlace

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

#: Eras of data in their names, such as Run2016F-HIPM_UL2016_MiniAODv2_NanoAODv9.
_DATA = re.compile(r"(?<![A-Za-z])Run20\d\d[A-Z](?![A-Za-z0-9]).*")
#: Years in names of certified runs, such as Cert_Collisions2022_355100_362760_Golden.json.
_CERTIFIED = re.compile(r"Collisions(?:20)?(\d\d)(?!\d)[^/]*$")
#: Working point of the relative isolation → its upper limit
#: (https://twiki.cern.ch/twiki/bin/view/CMS/SWGuideMuonSelection#Particle_Flow_isolation).
_ISOLATION = {"VeryLoose": 0.4, "Loose": 0.25, "Medium": 0.2, "Tight": 0.15, "VeryTight": 0.1, "VeryVeryTight": 0.05}
_IDENTIFICATION = ("Loose", "Medium", "MediumPrompt", "Tight", "Soft", "HighPt")
#: Corrections of the muon group, such as NUM_LoosePFIso_DEN_TightID: what is measured, and among which muons.
_OF_ISOLATION = re.compile(r"NUM_(?P<isolation>\w+?)(?:Rel|PF)Iso_DEN_(?:(?P<identification>[A-Za-z]+?)ID)?")
_OF_IDENTIFICATION = re.compile(r"NUM_(?P<identification>\w+?)ID_DEN_")


def disagreements(config: Configurator) -> Iterator[str]:
    """Yield what may be wrong with the eras, working points and corrections of a configuration, as sentences."""
    yield from era_notes(config)
    yield from working_point_notes(config)
    yield from vanishing_notes(config)


def era_notes(config: Configurator) -> Iterator[str]:
    """Yield a sentence for each disagreement about the era of a dataset."""
    with_data = [name for name, era in eras().items() if era.data]
    for name, definition in config.definitions.items():
        year = definition.year
        if year not in with_data:
            continue
        for value in definition.values:
            named = eras_of_name(value)
            if named and year not in named:
                yield (
                    f"dataset {name!r} is of {year}, but the name of its files is of {' or '.join(named)}: {value}; "
                    "correct 'year' in its metadata, unless this is meant"
                )
                break
        luminosities = config.parameters.get("lumi", {}).get("picobarns", {}).get(year, {})
        known = [str(era) for era in luminosities if era != "tot"]
        if known and definition.era and definition.era not in known:
            yield (
                f"dataset {name!r} is of era {definition.era} of {year}, of which lumi.picobarns.{year} has "
                f"{', '.join(known)} only: correct 'era' or 'year' in its metadata, unless this is meant"
            )
    for year in dict.fromkeys(one.year for one in config.definitions.values() if not one.is_mc):
        file = str(config.parameters.get("lumi", {}).get("goldenJSON", {}).get(year, ""))
        certified = _CERTIFIED.search(file)
        if certified and year in with_data and certified[1] != year[2:4]:
            yield (
                f"lumi.goldenJSON.{year} is {file}, which is of 20{certified[1]}: name the file of {year} in the "
                "parameters, unless this is meant"
            )
    yield from _luminosity_notes(config.parameters, {one.year for one in config.definitions.values()})
    users: dict[tuple[str, str, str], dict[str, None]] = {}
    for (file, _), user, year in corrections_of_config(config):
        era = era_of_corrections(file)
        place = CorrectionPlace.of(file)
        if era and year in with_data and era not in (year, eras()[year].borrowed.get(place.group if place else "")):
            users.setdefault((file, era, year), {})[user] = None
    for (file, era, year), of_file in users.items():
        yield (
            f"{', '.join(of_file)} {'use' if len(of_file) > 1 else 'uses'} {file} for {year}, which is of {era}: name "
            f"the file of {year} in the parameters, unless this is meant"
        )


def _luminosity_notes(params: Any, years: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each year whose luminosity is that of the shipped parameters in another unit."""
    for year in sorted(years):
        value = params.get("lumi", {}).get("picobarns", {}).get(year, {}).get("tot")
        expected = _shipped_luminosities().get(year)
        if expected and isinstance(value, int | float) and 0.9 < 1000 * value / expected < 1.1:
            yield (
                f"lumi.picobarns.{year}.tot is {value:g}, which is the luminosity in 1/fb: give it in 1/pb, "
                f"{1000 * value:g}, unless this is meant"
            )


@functools.cache
def _shipped_luminosities() -> dict[str, float]:
    """Return year → luminosity in 1/pb of the shipped parameters, whose loading takes long."""
    table = get_default_parameters().get("lumi", {}).get("picobarns", {})
    return {name: float(table[name].tot) for name, era in eras().items() if era.data and name in table}


def era_of_corrections(file: str) -> str | None:
    """Return the era that a file of corrections is for, ``None`` if its name doesn't say."""
    place = CorrectionPlace.of(file)
    folder, beside = (place.folder, "") if place else (None, PurePath(file).name)
    for name, era in eras().items():
        if (folder and era.folder == folder) or (beside and beside.startswith(era.files)):
            return name
    return None


def eras_of_name(name: str) -> tuple[str, ...]:
    """Return the eras that the name of a dataset or of a file belongs to, none if it doesn't say.

    Examples:
        >>> eras_of_name("/TTTo2L2Nu/RunIISummer20UL16NanoAODAPVv9-106X_v11-v1/NANOAODSIM")
        ('2016_PreVFP',)
        >>> eras_of_name("/store/data/Run2022E/Muon/NANOAOD/22Sep2023-v1/file.root")
        ('2022_postEE',)
        >>> eras_of_name("/TTto2L2Nu/RunIII2024Summer24NanoAODv15-150X_v2-v2/NANOAODSIM")
        ('2024', '2025')
        >>> eras_of_name("/data/ttbar.root")
        ()
    """
    data = _DATA.search(name)
    # A campaign is followed by a capital letter, as in Summer22NanoAODv12, or by no letter.
    text, end = (data[0], "*") if data else (f"{name}/", "[!0-9a-z]*")
    begin = "" if data else "*"
    found: dict[str, int] = {}
    for era, names in eras().items():
        for pattern in names.data if data else names.simulation:
            if fnmatchcase(text, f"{begin}{pattern}{end}"):
                found[era] = max(found.get(era, 0), len(pattern))
    # The longest pattern says most: Summer22EE is more than Summer22.
    return tuple(era for era, length in found.items() if length == max(found.values()))


def working_point_notes(config: Configurator) -> Iterator[str]:
    """Yield what scale factors of muons are for that the muons in the parameters don't have, as sentences."""
    if "object_preselection" not in config.reader.names:
        return
    muons = config.parameters.get("object_preselection", {}).get("Muon", {})
    noted: set[str] = set()
    for (_, correction), user, year in corrections_of_config(config):
        for key, wanted in required_of_muons(correction).items():
            value = muons.get(key)
            sentence = (
                f"{user} uses {correction} for {year}, which is for {key} {wanted}, and object_preselection.Muon.{key} "
                f"is {value}: change one of them, unless this is meant"
            )
            if _differs(value, wanted) and sentence not in noted:
                noted.add(sentence)
                yield sentence


def required_of_muons(correction: str) -> dict[str, float | str]:
    """Return key of ``object_preselection.Muon`` → its value for which a correction of muons is, as its name says."""
    match = _OF_ISOLATION.match(correction) or _OF_IDENTIFICATION.match(correction)
    found = match.groupdict() if match else {}
    required: dict[str, float | str] = {}
    if (isolation := found.get("isolation")) in _ISOLATION:
        required["iso"] = _ISOLATION[isolation]
    if (identification := found.get("identification")) in _IDENTIFICATION:
        required["id"] = f"{identification[0].lower()}{identification[1:]}Id"
    return required


def _differs(value: Any, wanted: float | str) -> bool:
    """Tell whether a parameter differs; an analysis may have another form of it, or none, of which nothing is known."""
    if isinstance(wanted, str):
        return isinstance(value, str) and value != wanted
    return type(value) in (int, float) and abs(value - wanted) > 1e-6


def vanishing_notes(config: Configurator) -> Iterator[str]:
    """Yield a sentence for each correction in use whose variation down is 0 or less in a bin; not for missing files."""
    for file, name, year in dict.fromkeys((*pair, year) for pair, _, year in corrections_of_config(config)):
        place = CorrectionPlace.of(file)
        if place is None or place.group != "EGM":
            continue
        try:
            trees = [each["data"] for each in read_corrections(find_corrections(file)) if each["name"] == name]
        except ConfigError:
            continue
        nodes = [(node, dict(keys)) for tree in trees for node, keys in walk_with_keys(tree)]
        points = {
            keys.get("WorkingPoint") or keys.get("Path")
            for node, keys in nodes
            if keys.get("ValType") == "sfdown" and kind_of(node) == "number" and node <= 0
        }
        if points:
            yield (
                f"{name} of {file} is 0 or less for sfdown in bins of {', '.join(sorted(map(str, points)))}, mostly in "
                f"the transition of the ECAL or at low pt: select no objects of {year} there, unless this is meant"
            )
