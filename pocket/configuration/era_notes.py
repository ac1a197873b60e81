"""Disagreements about the era between datasets, the names of their files, and the corrections that are used for them.

Corrections of another era may be meant, where a group has none for the era, so these are notes. What can't be meant is
an error: a tagger that a file lacks (:func:`pocket.objects.btag.is_tagged`), corrections of another kind of jets
(:class:`~pocket.calibrators.JetsCalibrator`), a run or a year that a correction doesn't have.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from pocket.configuration.used_corrections import corrections_of_config
from pocket.parameters.defaults import get_default_parameters
from pocket.parameters.public_places import CorrectionPlace

if TYPE_CHECKING:
    from pocket.configuration.configurator import Configurator

#: Folder of a group's corrections → the era that they are for.
ERAS = {
    "2016preVFP_UL": "2016_PreVFP",
    "2016postVFP_UL": "2016_PostVFP",
    "2017_UL": "2017",
    "2018_UL": "2018",
    "2022_Summer22": "2022_preEE",
    "2022_Summer22EE": "2022_postEE",
    "2023_Summer23": "2023_preBPix",
    "2023_Summer23BPix": "2023_postBPix",
    "2024_Summer24": "2024",
    "2025_Prompt": "2025",
}
#: Group and era → the era whose corrections it takes, as it has none of its own yet.
_BORROWED = {("TAU", "2025"): "2024"}
_ROCHESTER = re.compile(r"RoccoR(2016a|2016b|2017|2018)UL\b")
_OF_ROCHESTER = {"2016a": "2016_PreVFP", "2016b": "2016_PostVFP", "2017": "2017", "2018": "2018"}
#: Campaigns in names of simulated datasets and of their files; that of 2024 is used for 2025 as well.
_CAMPAIGN = re.compile(r"Summer(?:(?:19|20)UL(?P<run_2>16|17|18)\w*|(?P<run_3>22EE|22|23BPix|23|24)(?![0-9a-z]))")
_OF_RUN_3 = {
    "22": ("2022_preEE",),
    "22EE": ("2022_postEE",),
    "23": ("2023_preBPix",),
    "23BPix": ("2023_postBPix",),
    "24": ("2024", "2025"),
}
#: Eras of data in their names, such as Run2016F-HIPM_UL2016_MiniAODv2_NanoAODv9.
_DATA = re.compile(r"(?<![A-Za-z])Run(?P<year>20\d\d)(?P<era>[A-Z])(?![A-Za-z0-9])(?P<rest>.*)")
#: Year → the first eras of data that belong to its second half, and the names of the halves.
_HALVES = {
    "2016": ("F", ("2016_PreVFP", "2016_PostVFP")),
    "2022": ("E", ("2022_preEE", "2022_postEE")),
    "2023": ("D", ("2023_preBPix", "2023_postBPix")),
}
#: Years in names of certified runs, such as Cert_Collisions2022_355100_362760_Golden.json.
_CERTIFIED = re.compile(r"Collisions(?:20)?(\d\d)(?!\d)[^/]*$")


def era_notes(config: Configurator) -> Iterator[str]:
    """Yield a sentence for each disagreement about the era of a dataset."""
    for name, definition in config.definitions.items():
        year = definition.year
        if year not in ERAS.values():
            continue
        for value in definition.values:
            eras = eras_of_name(value)
            if eras and year not in eras:
                yield (
                    f"dataset {name!r} is of {year}, but the name of its files is of {' or '.join(eras)}: {value}; "
                    "correct 'year' in its metadata, unless this is meant"
                )
                break
        known = _parts_of(config.parameters, year)
        if known and definition.era and definition.era not in known:
            yield (
                f"dataset {name!r} is of era {definition.era} of {year}, of which lumi.picobarns.{year} has "
                f"{', '.join(known)} only: correct 'era' or 'year' in its metadata, unless this is meant"
            )
    for year in dict.fromkeys(one.year for one in config.definitions.values() if not one.is_mc):
        file = str(config.parameters.get("lumi", {}).get("goldenJSON", {}).get(year, ""))
        certified = _CERTIFIED.search(file)
        if certified and year in ERAS.values() and certified[1] != year[2:4]:
            yield (
                f"lumi.goldenJSON.{year} is {file}, which is of 20{certified[1]}: name the file of {year} in the "
                "parameters, unless this is meant"
            )
    yield from _luminosity_notes(config.parameters, {one.year for one in config.definitions.values()})
    users: dict[tuple[str, str, str], dict[str, None]] = {}
    for (file, _), user, year in corrections_of_config(config):
        era = era_of_corrections(file)
        place = CorrectionPlace.of(file)
        if era and year in ERAS.values() and era not in (year, _BORROWED.get((place.group if place else "", year))):
            users.setdefault((file, era, year), {})[user] = None
    for (file, era, year), of_file in users.items():
        yield (
            f"{', '.join(of_file)} {'use' if len(of_file) > 1 else 'uses'} {file} for {year}, which is of {era}: name "
            f"the file of {year} in the parameters, unless this is meant"
        )


def _luminosity_notes(params: Any, years: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each year whose luminosity is that of the shipped parameters in another unit."""
    for year in sorted({*years}.intersection(ERAS.values())):
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
    return {str(year): float(table[year].tot) for year in ERAS.values() if year in table}


def era_of_corrections(file: str) -> str | None:
    """Return the era that a file of corrections is for, ``None`` if its name doesn't say.

    Args:
        file: its name in the parameters.

    Examples:
        >>> era_of_corrections("corrections://POG/LUM/2017_UL/puWeights.json.gz")
        '2017'
        >>> era_of_corrections("corrections://JME/Run3-22CDSep23-Summer22-NanoAODv12/latest/jet_jerc.json.gz")
        '2022_preEE'
        >>> era_of_corrections("corrections://roccor/RoccoR2016bUL.txt")
        '2016_PostVFP'
    """
    place = CorrectionPlace.of(file)
    if place is not None:
        return ERAS.get(place.folder or "")
    match = _ROCHESTER.search(file)
    return _OF_ROCHESTER[match[1]] if match else None


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
    if match := _DATA.search(name):
        year, era = match["year"], match["era"]
        if year not in _HALVES:
            return (year,) if year in ERAS.values() else ()
        second, halves = _HALVES[year]
        if year == "2016" and era == second and "UL2016" not in match["rest"]:
            # Both halves have a part of this era, which differ by the rest of the name.
            return halves
        return (halves[era >= second and "HIPM" not in match["rest"]],)
    if match := _CAMPAIGN.search(name):
        if match["run_3"]:
            return _OF_RUN_3[match["run_3"]]
        if match["run_2"] == "16":
            return ("2016_PreVFP",) if "APV" in match[0] else ("2016_PostVFP",)
        return (f"20{match['run_2']}",)
    return ()


def _parts_of(params: Any, year: str) -> Collection[str]:
    """Return the eras of the data of a year."""
    luminosities = params.get("lumi", {}).get("picobarns", {}).get(year, {})
    return [str(era) for era in luminosities if era != "tot"]
