"""The reader of datacards: our own, and those that others wrote for combine.

A card is read exactly as combine means it, or refused with the line and the reason. Source: combine's documentation,
https://cms-analysis.github.io/HiggsAnalysis-CombinedLimit/part2/settinguptheanalysis/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pocket.base.runtime.remarks import remark, some_of
from pocket.base.typing import Floats
from pocket.errors import StatisticsError
from pocket.statistics.cards.histograms import HistogramFiles
from pocket.statistics.cards.interest import DEFAULT, Interest, parse_call, parse_maps
from pocket.statistics.cards.parameters import Parameters
from pocket.statistics.cards.syntax import Card, fits, parse_card
from pocket.statistics.cards.systematics import parse_systematics
from pocket.statistics.cards.templates import Names, ProcessTemplates, RegionReader
from pocket.statistics.cards.uncertainties import Systematics
from pocket.statistics.model import SMALLEST_NORM, Model, RegionModel


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
    path = Path(path)
    card = parse_card(path)
    interest = _interest(card, tuple(maps))
    blinded, smallest_norm = _notes(card)
    blinded += [name for name in card.regions for pattern in blind if fits(pattern, name)]
    files = HistogramFiles(path.parent)
    try:
        systematics = parse_systematics(card)
        reader = RegionReader(card, systematics, files, Names(mass, keywords or {}))
        builder = _Builder(card, systematics, Parameters(card, systematics, interest), reader, interest)
        return builder.build(blinded, smallest_norm)
    except StatisticsError as error:
        text = str(error)
        raise StatisticsError(text if card.name in text else f"{card.name}: {text}") from None
    finally:
        files.close()


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
    left_out: list[str] = field(default_factory=list)

    def build(self, blind: list[str], smallest_norm: float) -> Model:
        """Return the model."""
        card = self.card
        regions = [self._region(name, name in blind) for name in card.regions]
        if self.left_out:
            remark(f"{card.name}: processes without events are left out: {some_of(self.left_out)}")
        if self.reader.cut:
            remark(f"{card.name}: bins below 0 are cut to 0: {some_of(self.reader.cut)}")
        if self.reader.rounded:
            remark(f"{card.name}: data are rounded to integers: {some_of(self.reader.rounded)}")
        if self.reader.shapeless:
            remark(f"{card.name}: shapes do nothing in counting regions: {some_of(self.reader.shapeless)}")
        regions += self.parameters.sidebands()
        used = {name for region in regions for names in region.factors.values() for name in names}
        formulas = {name: formula for name, formula in self.parameters.formulas.items() if name in used}
        used |= {argument for formula in formulas.values() for argument in formula.arguments}
        used |= {name for region in regions for name in (*region.shapes, *region.log_normals)}
        pois = {name: poi for name, poi in self.interest.pois.items() if name in used}
        if not pois:
            raise StatisticsError(
                f"{card.name} has no signal: a process with a number of at most 0 and with events, or a map"
            )
        nuisances, free = self.parameters.nuisances(), self.parameters.free
        without = [name for name in (*self.interest.pois, *free, *nuisances) if name not in used]
        if without:
            remark(f"{card.name}: parameters that change nothing are left out: {some_of(without)}")
        return Model(
            regions=tuple(regions),
            pois=pois,
            nuisances=tuple(name for name in nuisances if name in used),
            free={name: parameter for name, parameter in free.items() if name in used},
            formulas=formulas,
            groups=self.parameters.groups(used),
            smallest_norm=smallest_norm,
        )

    def _region(self, name: str, blind: bool) -> RegionModel:
        columns = [column for column in self.card.columns if column.region == name]
        factors: dict[str, tuple[str, ...]] = {}
        found: list[ProcessTemplates] = []
        for column in columns:
            of_interest = self.interest.factors(name, column.process, column.number <= 0)
            templates = None if of_interest is None else self.reader.process(column, self.parameters.sideband(column))
            if of_interest is None or templates is None:
                self.left_out.append(f"{name}/{column.process}")
                continue
            found.append(templates)
            factors[column.process] = (*of_interest, *self.parameters.factors(column))
        if not found:
            raise StatisticsError(f"the region {name!r} of {self.card.name} has no process with events")
        edges = found[0].edges
        data = None if blind or not self.card.observations else self.reader.data(name, edges)
        shapes: dict[str, dict[str, tuple[Floats, Floats]]] = {}
        log_normals: dict[str, dict[str, tuple[float, float]]] = {}
        for templates in found:
            for nuisance, pair in templates.shapes.items():
                shapes.setdefault(nuisance, {})[templates.process] = pair
            for nuisance, kappas in templates.log_normals.items():
                log_normals.setdefault(nuisance, {})[templates.process] = kappas
        return RegionModel(
            name=name,
            processes=tuple(templates.process for templates in found),
            nominal=np.array([templates.nominal for templates in found]),
            sumw2=np.array([templates.sumw2 for templates in found]),
            data=data,
            edges=edges,
            shapes=shapes,
            log_normals=log_normals,
            factors={process: names for process, names in factors.items() if names},
            mc_stat=self.systematics.mc_stat.get(name) if self.reader.has_histograms(name) else None,
        )
