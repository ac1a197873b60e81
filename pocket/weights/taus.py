"""Scale factors of hadronic taus: identification against jets, electrons and muons.

The taus are those of ``tau_scale_factors.collection``, their file is ``tau_scale_factors.JSONfiles.<year>.file``.
Tagger and working points are those of the selection, ``object_preselection.Tau``
(:func:`pocket.objects.tau_selection`), so both can't differ. The generated particle is NanoAOD's ``genPartFlav``: 1 and
3 are electrons, 2 and 4 muons, 5 hadronic taus, and 0 is none of them.

Source: TAU, tau.json.gz
(https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/TAU_2018_UL_tau.html),
https://twiki.cern.ch/twiki/bin/view/CMS/TauIDRecommendationForRun2 and TauIDRecommendationForRun3.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input
from pocket.corrections.files import find_corrections, read_corrections
from pocket.corrections.tree import children, kind_of, walk_with_keys
from pocket.errors import check_known
from pocket.objects.taus import WORKING_POINTS, of_year
from pocket.parameters.access import parameter
from pocket.parameters.checksums import FileContent
from pocket.weights.base import WeightOfYear
from pocket.weights.objects import FlatObjects

#: Key of the selection in ``object_preselection``.
SELECTION = "Tau"
#: Name of the input of the uncertainty in the group's corrections, and of the one of the form.
_SYST, _FLAG = "syst", "flag"
_NOMINAL = "nom"
#: Form → forms of the correction that it takes below and above ``PT_SPLIT``.
FORMS: Mapping[str, tuple[str, str]] = {"pt": ("pt", "pt"), "dm": ("dm", "dm"), "dm_and_pt": ("dm", "pt")}
#: Momentum in GeV up to which the decay modes have been measured separately.
PT_SPLIT = 140.0


class TauWeight(WeightOfYear):
    """Base class of the weights of taus, as a product over the taus of an event."""

    has_variations = True
    against: ClassVar[str]

    def selected(self, key: str) -> str:
        """Return the tagger, or the working point of a discriminator, that the selection uses."""
        return str(of_year(self.params, SELECTION, key, self.year))

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        file = parameter(self.params, "tau_scale_factors", "JSONfiles", self.year, "file")
        return [(str(file), f"{self.selected('tagger')}{self.against}")]

    def texts(self) -> dict[str, str]:
        """Return the inputs of the correction that are strings, without the uncertainty and the form."""
        return {"wp": self.selected(self.against)}

    def check_parameters(self) -> None:
        """Check the working points."""
        for key in WORKING_POINTS:
            check_known("working point", [self.selected(key)], WORKING_POINTS[key], f"object_preselection.Tau.{key}")

    def inputs(self, taus: FlatObjects) -> Inputs:
        """Return the inputs of the correction without the uncertainty and the form."""
        names = {"pt": "pt", "eta": "eta", "dm": "decayMode", "genmatch": "genPartFlav"}
        return Inputs({**{axis: taus[field] for axis, field in names.items()}, **self.texts()})

    def factors(self, inputs: Inputs, source: str, side: str) -> Floats:
        """Return the scale factor of each tau for a source, ``""`` for the total, ``"nom"``, ``"up"`` or ``"down"``."""
        return evaluate(*self.corrections()[0], inputs.with_texts(kind_input(side)))

    def compute(self, events: Any, size: int, shape_variation: str) -> Any:
        """Return the weight with its variations."""
        taus = FlatObjects(events, parameter(self.params, "tau_scale_factors", "collection"))
        inputs = self.inputs(taus)

        def weight(source: str, side: str) -> Floats:
            return taus.product(self.factors(inputs, source, side))

        return self.with_variations(weight("", _NOMINAL), shape_variation, weight)


class TauVsJet(TauWeight):
    """Scale factor of the identification of taus against jets, for genuine taus.

    The form is ``tau_scale_factors.form.<year>``: ``pt``, in bins of pt; ``dm``, by decay mode, for triggers of two
    taus; or ``dm_and_pt``, by decay mode up to 140 GeV and in bins of pt above, as the group recommends in Run 3.

    The variation is the total uncertainty; where the form has none in the file (by decay mode in Run 2), it is the sum
    of all its sources in quadrature. ``systematic_variations.weight_variations.sf_tau_vsjet.<year>`` lists sources
    instead, named as in the file: ``stat1_dm0``, ``stat2_dm0``, ``syst_alleras``, ``syst_2018``, ``syst_2018_dm0``, ….
    """

    name = "sf_tau_vsjet"
    against = "VSjet"

    def __init__(self, params: Any, metadata: Mapping[str, Any]) -> None:
        super().__init__(params, metadata)
        self._variations = self.chosen_variations(self.name)

    @property
    def form(self) -> str:
        """Form of the scale factors for the dataset's year, one of :data:`FORMS`."""
        return str(parameter(self.params, "tau_scale_factors", "form", self.year))

    def texts(self) -> dict[str, str]:
        """Return the working points against jets and electrons; the scale factors depend on both."""
        return {**super().texts(), "wpvse": self.selected("VSe")}

    def check_parameters(self) -> None:
        """Check the form and the working points."""
        check_known("form of scale factors", [self.form], FORMS, f"tau_scale_factors.form.{self.year}")
        super().check_parameters()

    def factors(self, inputs: Inputs, source: str, side: str) -> Floats:
        """Return the scale factor of each tau."""
        ((file, name),) = self.corrections()
        below, above = FORMS[self.form]
        content = find_corrections(file)
        known = {form: _keys(content, name, form) for form in (below, above)}
        # The group's corrections take an unknown uncertainty for the nominal one.
        sources = {key.removesuffix("_up") for key in frozenset().union(*known.values()) if key.endswith("_up")}
        check_known("uncertainty", self.variations, sources, f"correction {name!r} (weight {self.name!r})")

        def value(form: str, key: str, own: Inputs) -> Floats:
            return evaluate(file, name, own.with_texts({_FLAG: form, **kind_input(key)}))

        def of_form(form: str, own: Inputs) -> Floats:
            key = f"{source}_{side}" if source else side
            if side == _NOMINAL or key in known[form]:
                return value(form, _NOMINAL if side == _NOMINAL else key, own)
            nominal = value(form, _NOMINAL, own)
            if source:
                return nominal
            change = np.zeros_like(nominal)
            for each in sorted(known[form]):
                if each.endswith(f"_{side}"):
                    change = np.hypot(change, value(form, each, own) - nominal)
            return nominal + (change if side == "up" else -change)

        if below == above:
            return of_form(below, inputs)
        is_low = np.asarray(inputs["pt"]) < PT_SPLIT
        factors = np.empty(len(is_low))
        for form, mask in ((below, is_low), (above, ~is_low)):
            factors[mask] = of_form(form, inputs.chosen(mask))
        return factors


class TauVsElectron(TauWeight):
    """Scale factor of electrons that are taken for taus, by the working point against electrons."""

    name = "sf_tau_vse"
    against = "VSe"


class TauVsMuon(TauWeight):
    """Scale factor of muons that are taken for taus, by the working point against muons."""

    name = "sf_tau_vsmu"
    against = "VSmu"


@functools.lru_cache(maxsize=64)
def _keys(content: FileContent, name: str, form: str) -> frozenset[str]:
    """Return the uncertainties of one form of a correction."""
    tree = next((each["data"] for each in read_corrections(content) if each["name"] == name), 1.0)
    found: set[str] = set()
    for node, path in walk_with_keys(tree):
        forms = {key for variable, key in path if variable == _FLAG}
        if kind_of(node) == "category" and node["input"] == _SYST and forms <= {form}:
            found |= {str(key) for key in children(node) if key is not None}
    return frozenset(found)
