"""The reader of datacards: our own, and those that others wrote for combine.

A card is read exactly as combine means it, or refused with the line and the reason. Source: combine's documentation,
https://cms-analysis.github.io/HiggsAnalysis-CombinedLimit/part2/settinguptheanalysis/
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pocket.base.runtime.remarks import remark, some_of
from pocket.errors import StatisticsError
from pocket.statistics.cards.histograms import HistogramFiles
from pocket.statistics.cards.interest import DEFAULT, Interest, check_maps, parse_call, parse_maps
from pocket.statistics.cards.parameters import Parameters
from pocket.statistics.cards.syntax import Card, fits, parse_card
from pocket.statistics.cards.systematics import parse_systematics
from pocket.statistics.cards.templates import Names, ProcessTemplates, RegionReader
from pocket.statistics.cards.uncertainties import Systematics
from pocket.statistics.model import SMALLEST_NORM, Model, ModelPart, RegionModel, combine_models, nested


def read_datacard(
    path: Path | str,
    mass: str = "120",
    maps: Iterable[str] = (),
    blind: Iterable[str] = (),
    keywords: Mapping[str, str] | None = None,
) -> Model:
    """Return the model of a datacard of combine.

    Args:
        path: the card, maybe gzip'ed; the files that it names are relative to its folder.
        mass: what ``$MASS`` stands for.
        maps: parameters of interest as ``multiSignalModel`` of combine takes them,
            ``region/process:poi[initial,low,high]``; by default, ``r`` multiplies all signals.
        blind: patterns of regions whose data aren't read.
        keywords: what other words with ``$`` stand for.

    Returns:
        The model. A ``gmN`` with N events is a counting region of its own with N events, and a free parameter that
        scales both. Processes without events are left out, with a remark, and with them what changes nothing else.

    Raises:
        StatisticsError: if the card is wrong, or can't be read exactly, with the line and the reason.

    >>> _ = Path("card.txt").write_text('''imax 1
    ... bin         sr
    ... observation 7
    ... bin         sr     sr
    ... process     signal other
    ... process     0      1
    ... rate        5      3.5
    ... lumi lnN    1.02   1.02
    ... ''')
    >>> model = read_datacard("card.txt")
    >>> model.region("sr").nominal.tolist(), model.parameters
    ([[5.0], [3.5]], ('r', 'lumi'))
    """
    return read_datacards({"": path}, mass, maps, blind, keywords)


def read_datacards(
    cards: Mapping[str, Path | str],
    mass: str = "120",
    maps: Iterable[str] = (),
    blind: Iterable[str] = (),
    keywords: Mapping[str, str] | None = None,
) -> Model:
    """Return one model of several datacards, in which parameters of one name are one parameter.

    Regions are named as ``combineCards.py`` of combine names them: the region of a card that has one gets the card's
    label, those of others the label in front. Cards without a signal can be some of them.

    Args:
        cards: label → card; a single card without a label keeps the names of its regions.
        mass, maps, blind, keywords: as for :func:`read_datacard`; patterns of regions are those of the new names.

    Raises:
        StatisticsError: if a card can't be read, or two disagree about a parameter.

    >>> _ = Path("one.txt").write_text('bin sr\\nobservation 7\\nbin sr\\nprocess s\\nprocess 0\\nrate 5\\n')
    >>> model = read_datacards({"year1": "one.txt", "year2": "one.txt"})
    >>> [region.name for region in model.regions], model.parameters
    (['year1', 'year2'], ('r',))
    """
    maps, blind, words = tuple(maps), tuple(blind), Names(mass, keywords or {})
    parts: list[ModelPart] = []
    sidebands: dict[str, RegionModel] = {}
    places: list[str] = []
    for label, path in cards.items():
        part, of_card, of_columns = _read_part(label, Path(path), maps, blind, words)
        places += of_columns
        parts.append(_with_own_formulas(label, part, parts))
        for region in of_card:
            before = sidebands.setdefault(region.name, region)
            if _events(before) != _events(region):
                raise StatisticsError(f"the cards have different numbers of events in the sideband {region.name!r}")
    check_maps(maps, places)
    if not any(part.pois for part in parts):
        names = ", ".join(Path(path).name for path in cards.values())
        hint = "" if any(cards) else "; with --card a=PATH,b=PATH, it can be read together with a card that has one"
        raise StatisticsError(
            f"{names} has no signal: a process with a number of at most 0 and with events, or a map{hint}"
        )
    parts[-1] = dataclasses.replace(parts[-1], regions=(*parts[-1].regions, *sidebands.values()))
    return combine_models(*parts)


def _read_part(
    label: str, path: Path, maps: tuple[str, ...], blind: tuple[str, ...], words: Names
) -> tuple[ModelPart, list[RegionModel], list[str]]:
    """Return what a card is of a model, the regions of its sidebands, and ``region/process`` of its columns."""
    card = parse_card(path)
    interest = _interest(card, maps)
    blinded, smallest_norm = _notes(card)
    renamed = {name: _renamed(name, label, len(card.regions)) for name in card.regions}
    blinded += [name for name, new in renamed.items() for pattern in blind if fits(pattern, new)]
    files = HistogramFiles(path.parent)
    try:
        systematics = parse_systematics(card)
        reader = RegionReader(card, systematics, files, words)
        parameters = Parameters(card, systematics, interest)
        builder = _Builder(card, systematics, parameters, reader, interest, renamed)
        places = [f"{renamed[column.region]}/{column.process}" for column in card.columns]
        return builder.build(blinded, smallest_norm), parameters.sidebands(), places
    except StatisticsError as error:
        text = str(error)
        raise StatisticsError(text if card.name in text else f"{card.name}: {text}") from None
    finally:
        files.close()


def _events(sideband: RegionModel) -> float:
    return float(sideband.data.sum()) if sideband.data is not None else 0.0


def _renamed(region: str, label: str, regions: int) -> str:
    if not label:
        return region
    return label if regions == 1 else f"{label}_{region}"


def _with_own_formulas(label: str, part: ModelPart, before: Iterable[ModelPart]) -> ModelPart:
    """Return a part whose formulas have other names than different formulas of the parts before."""
    taken = {name: formula for other in before for name, formula in other.formulas.items()}
    names = {
        name: f"{label}_{name}" if taken.get(name, formula) != formula else name
        for name, formula in part.formulas.items()
    }
    if all(name == new for name, new in names.items()):
        return part
    regions = tuple(
        dataclasses.replace(
            region,
            factors={process: tuple(names.get(one, one) for one in found) for process, found in region.factors.items()},
        )
        for region in part.regions
    )
    return dataclasses.replace(
        part, regions=regions, formulas={names[name]: formula for name, formula in part.formulas.items()}
    )


def _interest(card: Card, maps: tuple[str, ...]) -> Interest:
    if maps:
        return parse_maps(maps)
    for line, text in card.notes:
        if text.startswith("text2workspace.py"):
            try:
                return parse_call(text)
            except StatisticsError as error:
                card.refuse(line, str(error))
    return Interest(DEFAULT, None, {})


def _notes(card: Card) -> tuple[list[str], float]:
    """Return the blind regions and the smallest change of a yield that comments define."""
    blind: list[str] = []
    smallest_norm = SMALLEST_NORM
    for line, text in card.notes:
        word, _, rest = text.partition(" ")
        if word == "blind":
            blind += rest.split()
        elif word == "smallest-norm":
            smallest_norm = card.number(line, rest)
    return blind, smallest_norm


@dataclass
class _Builder:
    """The parts of the model, as they are found."""

    card: Card
    systematics: Systematics
    parameters: Parameters
    reader: RegionReader
    interest: Interest
    renamed: Mapping[str, str]
    left_out: list[str] = field(default_factory=list)

    def build(self, blind: list[str], smallest_norm: float) -> ModelPart:
        """Return what the card is of a model, without its sidebands."""
        card = self.card
        regions = [self._region(name, name in blind) for name in card.regions]
        reader = self.reader
        self._remark("processes without events are left out", self.left_out)
        self._remark("bins below 0 are cut to 0", reader.cut)
        self._remark("data are rounded to integers", reader.rounded)
        self._remark("data aren't integers, and taken as they are, as in combine", list(reader.weighted.values()))
        self._remark("shapes do nothing in counting regions", reader.shapeless)
        with_sidebands = (*regions, *self.parameters.sidebands())
        used = {name for region in with_sidebands for names in region.factors.values() for name in names}
        formulas = {name: formula for name, formula in self.parameters.formulas.items() if name in used}
        used |= {argument for formula in formulas.values() for argument in formula.arguments}
        used |= {name for region in regions for name in (*region.shapes, *region.log_normals)}
        pois = {name: poi for name, poi in self.interest.pois.items() if name in used}
        nuisances, free = self.parameters.nuisances(), self.parameters.free
        # A card without a signal may be one of several.
        of_interest = self.interest.pois if pois else {}
        without = [name for name in (*of_interest, *free, *nuisances) if name not in used]
        self._remark("parameters that change nothing are left out", without)
        return ModelPart(
            regions=tuple(regions),
            pois=pois,
            nuisances=tuple(name for name in nuisances if name in used),
            free={name: parameter for name, parameter in free.items() if name in used},
            formulas=formulas,
            groups=self.parameters.groups(used),
            smallest_norm=smallest_norm,
        )

    def _remark(self, text: str, names: Sequence[str]) -> None:
        if names:
            remark(f"{self.card.name}: {text}: {some_of(names)}")

    def _region(self, name: str, blind: bool) -> RegionModel:
        columns = [column for column in self.card.columns if column.region == name]
        factors: dict[str, tuple[str, ...]] = {}
        found: list[ProcessTemplates] = []
        for column in columns:
            of_interest = self.interest.factors(self.renamed[name], column.process, column.number <= 0)
            events = self.parameters.from_sideband(column)
            templates = None if of_interest is None else self.reader.process(column, events)
            if of_interest is None or templates is None:
                self.left_out.append(f"{name}/{column.process}")
                continue
            found.append(templates)
            factors[column.process] = (*of_interest, *self.parameters.factors(column))
        if not found:
            raise StatisticsError(f"the region {name!r} of {self.card.name} has no process with events")
        edges = found[0].edges
        data = None if blind or not self.card.observations else self.reader.data(name, edges)
        return RegionModel(
            name=self.renamed[name],
            processes=tuple(templates.process for templates in found),
            nominal=np.array([templates.nominal for templates in found]),
            sumw2=np.array([templates.sumw2 for templates in found]),
            data=data,
            edges=edges,
            shapes=nested((name, one.process, pair) for one in found for name, pair in one.shapes.items()),
            log_normals=nested((name, one.process, pair) for one in found for name, pair in one.log_normals.items()),
            factors={process: names for process, names in factors.items() if names},
            mc_stat=self.systematics.mc_stat.get(name) if self.reader.has_histograms(name) else None,
            weighted=name in self.reader.weighted,
            logarithmic=tuple(templates.process for templates in found if templates.logarithmic),
        )
