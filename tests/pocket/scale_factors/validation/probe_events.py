"""Events of two muons in files, from which an efficiency is measured by tag and probe, rightly and wrongly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from pocket import Axis, BaseProcessorABC, Configurator, HistConf
from pocket.configuration.analysis import Analysis
from pocket.cuts.library import passthrough
from pocket.interactive.processing import process
from pocket.objects import in_tag_and_probe_pairs, tag_and_probe_pairs
from pocket.scale_factors import Closure, EfficiencyRatio, ScaleFactor
from pocket.scale_factors.declarations.base import UpstreamOutputs
from pocket.scale_factors.files.measured import make
from pocket.scale_factors.validation.report import Report
from pocket.scale_factors.validation.validate import validate_from
from pocket.weights import ScaleFactorWeight
from tests.pocket.configs import LUMI, PARAMETERS

PT = (20.0, 30.0, 45.0, 100.0)
#: efficiency in each bin of pt, in data as in simulation, so that measured scale factors find no mistake
EFFICIENCY = np.array([0.80, 0.88, 0.92])
SIZE = 20_000
#: sample → whether it is data
SAMPLES = {"DATA": True, "OTHER_DATA": True, "DY": False, "OTHER_DY": False}


def generate(sample: str, size: int = SIZE) -> dict[str, Any]:
    """Return events with two muons, whose efficiencies are independent of each other."""
    is_data = SAMPLES[sample]
    rng = np.random.default_rng([*sample.encode()])
    # The muons are in the order of pt, as in NanoAOD.
    pt = -np.sort(-(20 + rng.exponential(20, (size, 2)).clip(0, 79)))
    tight = rng.random(pt.shape) < EFFICIENCY[np.searchsorted(PT, pt, side="right") - 1]
    charge = np.broadcast_to([1, -1], pt.shape)
    muons = {
        "pt": pt.astype(np.float32),
        "eta": rng.uniform(-2.4, 2.4, pt.shape).astype(np.float32),
        "phi": rng.uniform(-3, 3, pt.shape).astype(np.float32),
        "mass": np.full(pt.shape, 0.105, np.float32),
        "charge": charge.astype(np.int32),
        "tight": tight,
        # Another requirement, which some muons pass that aren't tight.
        "medium": tight | (rng.random(pt.shape) < 0.5),
    }
    numbers = np.arange(size)
    # The masses are those of a Breit–Wigner distribution with a resolution of 1.5 GeV.
    mass = 91.2 + 1.25 * np.tan(rng.uniform(-1.5, 1.5, size)) + rng.normal(0, 1.5, size)
    events = {
        "run": np.full(size, 300_000 + len(sample) if is_data else 1, np.uint32),
        "luminosityBlock": (numbers // 100).astype(np.uint32),
        "event": numbers.astype(np.uint64),
        "z": mass.astype(np.float32),
        "Muon": ak.unflatten(ak.zip({name: values.ravel() for name, values in muons.items()}), np.full(size, 2)),
    }
    return events if is_data else {**events, "genWeight": np.ones(size, np.float32)}


def joined(one: Mapping[str, Any], other: Mapping[str, Any], count: int) -> dict[str, Any]:
    """Return events and some of others."""
    return {name: ak.concatenate([one[name], other[name][:count]]) for name in one}


class Pairs(BaseProcessorABC):
    """Pairs of a tag and a probe, which pass if they are tight.

    With ``tag`` equal to ``any``, the event needs a tight muon, which may be the probe; with ``first``, only the first
    tight muon is a tag. ``axis`` is the requirement of the axis ``passing``, ``far`` that of a muon or of another one
    that isn't far from it. Failing pairs have masses within ``window`` of that of the Z. ``Probe`` are all muons.
    """

    def apply_object_preselection(self, variation: str) -> None:
        """Build the pairs."""
        muons = self.events.Muon
        options = self.workflow_options
        probe = muons.pt > 0
        tag = {
            "tight": muons.tight,
            "any": probe & ak.any(muons.tight, axis=1),
            "first": muons.tight & (ak.local_index(muons.tight) == ak.argmax(muons.tight, axis=1)),
        }[options["tag"]]
        near = muons.tight | (muons.tight[:, ::-1] & (abs(muons.eta - muons.eta[:, ::-1]) < 3))
        requirements = {"tight": muons.tight, "medium": muons.medium, "failing": ~muons.tight, "far": near}
        passing = requirements[options["axis"]]
        self.events["MuonGood"] = muons[in_tag_and_probe_pairs(muons.charge, tag, probe)]
        muons = ak.with_field(muons, ak.values_astype(passing, "int64"), "passing")
        pairs = tag_and_probe_pairs(muons, tag, probe, ("pt", "passing"))
        pairs = ak.with_field(pairs, ak.broadcast_arrays(self.events.z, pairs.mass)[0], "z_mass")
        in_window = (pairs.probe_passing == 1) | (abs(pairs.z_mass - 91.2) < options["window"])
        self.events["TagProbe"] = pairs[in_window]
        self.events["Probe"] = muons

    def count_objects(self, variation: str) -> None:
        """Count nothing."""


@dataclass(frozen=True)
class World:
    """Files of events, and the analysis that measures an efficiency in them.

    Args:
        folder: an empty folder.
        tag: what is a tag, see :class:`Pairs`.
        axis: requirement of the axis ``passing``.
        window: largest difference of a failing pair's mass from that of the Z, in GeV.
        events: sample → events; others are generated.
    """

    folder: Path
    tag: str = "tight"
    axis: str = "tight"
    window: float = math.inf
    events: Mapping[str, Mapping[str, Any]] | None = None

    def analysis(self, declaration: ScaleFactor) -> Analysis:
        """Return the analysis, with the files of its samples."""
        events = self.events or {}
        for sample in declaration.samples():
            columns = events.get(sample) or generate(sample)
            with uproot.recreate(self.file(sample)) as file:
                file.mktree("Events", {name: ak.type(ak.Array(values)).content for name, values in columns.items()})
                file["Events"].extend(columns)
        metadata = {
            sample: {"year": "2018", "isMC": not is_data, **({} if is_data else {"xsec": SIZE / LUMI})}
            for sample, is_data in SAMPLES.items()
        }
        definitions = {
            sample: {
                "sample": sample,
                "files": [{"paths": [str(self.file(sample))], "metadata": metadata[sample]}],
            }
            for sample in declaration.samples()
        }
        path = self.folder / "datasets.json"
        path.write_text(json.dumps(definitions))
        probes = ScaleFactorWeight.wrap("sf_probes", "id", "MuonGood", passing="tight")
        mass = Axis(coll="TagProbe", field="z_mass", name="mass", bins=60, start=60, stop=120)

        def axes(coll: str, prefix: str) -> list[Axis]:
            return [
                Axis(coll=coll, field=f"{prefix}passing", name="passing", type="integer", start=0, stop=2),
                Axis(coll=coll, field=f"{prefix}pt", name="pt", bins=PT),
            ]

        of_pairs = axes("TagProbe", "probe_")

        def configure(*weights: Any, variables: Mapping[str, HistConf], **chosen: Any) -> Configurator:
            return Configurator(
                parameters=PARAMETERS,
                datasets={"jsons": [path], **chosen},
                workflow=Pairs,
                workflow_options={"tag": self.tag, "axis": self.axis, "window": self.window},
                categories={"pairs": [passthrough]},
                weights={"common": {"inclusive": ["genWeight", "lumi", "XS", *weights]}},
                variables=variables,
            )

        pairs = {"probes": HistConf(of_pairs), "masses": HistConf([mass, *of_pairs])}
        configs = {
            "tnp": configure(variables=pairs),
            "closure": configure(probes, variables=pairs),
            "all": configure(variables={"all": HistConf(axes("Probe", ""))}, filter={"samples": list(declaration.mc)}),
        }
        return Analysis(name="probes", configs=configs, scale_factors={"id": declaration}, default_config="tnp")

    def file(self, sample: str) -> Path:
        """Return the file of a sample."""
        return self.folder / f"{sample}.root"

    def report(self, declaration: ScaleFactor) -> Report:
        """Measure, write, apply and check the scale factor, as the chain does."""
        analysis = self.analysis(declaration)
        folders: dict[str, Path] = {}

        def simulated(config: str) -> tuple[str, ...]:
            return analysis.config(config).simulated_samples

        outputs = UpstreamOutputs(folders, analysis.years_of, str, simulated=simulated)
        given: dict[str, Any] = {}
        for name, config in analysis.configs.items():
            files = {dataset: str(self.file(one.sample)) for dataset, one in config.definitions.items()}
            process(config, files, output=self.folder / name, scale_factors=given if config.scale_factors else None)
            folders[name] = self.folder / name
            if not given:
                correction, result = make("id", declaration, outputs)
                (self.folder / "id.json").write_text(correction)
                given = {"id": self.folder / "id.json"}
        return validate_from("id", declaration, outputs, correction, result)


def declare(**changes: Any) -> EfficiencyRatio:
    """Return the efficiency, whose closure is in events."""
    settings: dict[str, Any] = {
        "input": "tnp",
        "variable": "probes",
        "category": "pairs",
        "axes": ("pt",),
        "data": ("DATA",),
        "mc": ("DY",),
        "closure": Closure(remeasured={"input": "closure"}, events=True),
    }
    return EfficiencyRatio(**settings | changes)
