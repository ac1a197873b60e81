"""Files of the electron and photon group: real ones, and written ones in its schemas, with objects for them."""

from __future__ import annotations

import gzip
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib.schemav2 as cs
import numpy as np
import numpy.typing as npt

from pocket.toys.correction_nodes import category
from tests.group_files import LATER as LATER
from tests.group_files import ROOT as ROOT
from tests.group_files import RUN_3 as RUN_3
from tests.group_files import UL as UL
from tests.group_files import needs_files as needs_files

FLAVOURS = {"Electron": ("electron", "Ele", "ele"), "Photon": ("photon", "Pho", "pho")}
#: values at and around the edges of the groups' bins
EDGES = {
    "eta": [-2.5, -2.0, -1.566, -1.5, -1.4442, -1.444, -1.0, -0.8, 0.0, 0.8, 1.0, 1.444, 1.4442, 1.5, 1.566, 2.0, 2.5],
    "pt": [5.0, 10.0, 20.0, 25.0, 35.0, 45.0, 50.0, 75.0, 80.0, 100.0, 120.0, 200.0, 500.0, 5000.0, 20000.0],
    "r9": [0.0, 0.5, 0.8, 0.9, 0.94, 0.96, 1.0, 2.0, 20.0],
}
Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]
N_EVENTS, MC_RUN = 4200, 1


def objects_of(flavour: str, run: int = MC_RUN, seed: int = 1) -> ak.Array:
    """Return events with up to five electrons or photons, in NanoAOD's precision, many at the edges of bins."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 6, N_EVENTS)
    size = int(counts.sum())
    smooth = {
        "eta": random.uniform(-2.6, 2.6, size),
        "pt": random.exponential(40, size) + 4,
        "r9": random.uniform(0.1, 1.1, size),
    }
    columns = {
        name: np.where(random.random(size) < 0.1, random.choice(EDGES[name], size), values).astype(np.float32)
        for name, values in smooth.items()
    }
    columns |= {
        "phi": random.uniform(-np.pi, np.pi, size).astype(np.float32),
        "deltaEtaSC": random.choice([0.0, -0.01, 0.02], size).astype(np.float32),
        "mass": np.zeros(size, np.float32) if flavour == "Photon" else random.normal(0, 0.01, size).astype(np.float32),
        "energyErr": random.uniform(0.1, 3, size).astype(np.float32),
        "seedGain": random.choice(np.array([1, 6, 12], np.uint8), size),
        "dEsigmaUp": random.normal(0, 0.05, size).astype(np.float32),
        "dEsigmaDown": random.normal(0, 0.05, size).astype(np.float32),
    }
    columns["isScEtaEB"] = np.abs(columns["eta"]) < 1.48
    vertex = {
        axis: random.normal(0, width, N_EVENTS).astype(np.float32)
        for axis, width in zip("xyz", (0.1, 0.1, 4), strict=True)
    }
    return ak.Array(
        {
            flavour: ak.unflatten(ak.zip(columns), counts),
            "PV": ak.zip(vertex),
            "run": np.full(N_EVENTS, run, np.uint32),
            "luminosityBlock": random.integers(1, 3000, N_EVENTS).astype(np.uint32),
            "event": random.integers(1, 2**40, N_EVENTS).astype(np.uint64),
            "PuppiMET": ak.zip({name: random.uniform(1, 100, N_EVENTS).astype(np.float32) for name in ("pt", "phi")}),
        }
    )


def rows(events: ak.Array, flavour: str) -> list[list[dict[str, Any]]]:
    """Return the objects of each event as dictionaries, with the numbers of the event in each."""
    numbers = list(zip(*(events[name].to_list() for name in ("run", "luminosityBlock", "event")), strict=True))
    vertices = events.PV.to_list()
    return [
        [{**item, "run": run, "luminosityBlock": block, "event": event, "PV": vertex} for item in items]
        for items, (run, block, event), vertex in zip(events[flavour].to_list(), numbers, vertices, strict=True)
    ]


def flat(objects: ak.Array) -> Columns:
    """Return the columns of the objects of all events, in double precision."""
    return {name: np.asarray(ak.flatten(objects[name]), dtype=float) for name in objects.fields}


def products(values: Floats, counts: Any) -> list[float]:
    """Return the product over the objects of each event."""
    numbers = iter(values.tolist())
    return [math.prod(itertools.islice(numbers, count)) for count in counts]


def variables(**types: str) -> list[cs.Variable]:
    """Return inputs of corrections with their types."""
    return [cs.Variable(name=name, type=kind) for name, kind in types.items()]


def bins(seed: int, low: float, high: float, flow: Any = "clamp", **edges: Sequence[float]) -> cs.MultiBinning:
    """Return random numbers in bins."""
    size = int(np.prod([len(axis) - 1 for axis in edges.values()]))
    content = np.random.default_rng(seed).uniform(low, high, size).tolist()
    axes: list[Any] = [[edge if np.isfinite(edge) else str(float(edge)) for edge in axis] for axis in edges.values()]
    return cs.MultiBinning(nodetype="multibinning", inputs=list(edges), edges=axes, content=content, flow=flow)


def _correction(name: str, data: Any, **types: str) -> cs.Correction:
    output = cs.Variable(name="value", type="real")
    return cs.Correction(name=name, version=1, inputs=variables(**types), output=output, data=data)


def write(path: Path, corrections: Sequence[cs.Correction], compound: Sequence[cs.CompoundCorrection] = ()) -> Path:
    """Write a file of correctionlib, compressed."""
    found = cs.CorrectionSet(
        schema_version=2, corrections=list(corrections), compound_corrections=list(compound) or None
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(found.model_dump_json(exclude_unset=True).encode()))
    return path


def write_run_2(path: Path, period: str, seed: int) -> Path:
    """Write ``EGM_ScaleUnc.json.gz``: year, the quantity, eta of the supercluster and gain."""
    eta = [-2.5, -1.479, -1, 0, 1, 1.479, 2.5]
    by_gain = category("gain", {gain: bins(seed + gain, 0.0005, 0.005, eta=eta) for gain in (1, 6, 12)})
    data = category("year", {period: category("ValType", {"scaleunc": by_gain})})
    types = {"year": "string", "ValType": "string", "eta": "real", "gain": "int"}
    return write(path, [_correction("UL-EGM_ScaleUnc", data, **types)])


def write_classic(path: Path, scale: str, smear: str, seed: int) -> Path:
    """Write a scale by gain, run, eta, r9 and transverse energy, and a resolution by eta and r9."""

    def by_gain(shift: int, low: float, high: float) -> Any:
        edges = {"eta": [-2.5, -1, 0, 1, 2.5], "r9": [0, 0.94, 10], "et": [0, 50, 14000]}
        within = [bins(seed + shift + number, low, high, **edges) for number in range(2)]
        node = cs.Binning(nodetype="binning", input="run", edges=[1.0, 350000, 400000], content=within, flow="error")
        return category("gain", dict.fromkeys((1, 6, 12), node))

    types = {"valtype": "string", "gain": "int", "run": "real", "eta": "real", "r9": "real", "et": "real"}
    of_scale = category(
        "valtype", {"total_correction": by_gain(0, 0.98, 1.02), "total_uncertainty": by_gain(5, 0, 0.01)}
    )
    width = {"rho": 0.03, "err_rho": 0.003}
    edges = {"eta": [-2.5, -1.5, 0, 1.5, 2.5], "r9": [0, 0.94, 10]}
    of_width = category("valtype", {key: bins(seed + 9, high / 2, high, **edges) for key, high in width.items()})
    return write(
        path,
        [_correction(scale, of_scale, **types), _correction(smear, of_width, valtype="string", eta="real", r9="real")],
    )


def write_et_dependent(path: Path, scale: str, smear: str, seed: int, absolute: bool = True) -> Path:
    """Write a compound scale in two steps, and the resolution with all uncertainties; eta as a value or its size."""
    eta, r9 = [-3.0, -1.5, 0.0, 1.5, 3.0], [0.0, 0.94, 10.0]
    by_gain = {gain: bins(seed + gain, 0.99, 1.01, pt=[0, 30, 60, 1000]) for gain in (1, 6, 12)}
    steps = [
        _correction(
            "step_run",
            category(
                "syst",
                {
                    "scale": bins(
                        seed,
                        0.98,
                        1.02,
                        "error",
                        run=[1, 350000, 400000],
                        ScEta=[-np.inf, *eta[1:-1], np.inf],
                        r9=[-np.inf, 0.94, np.inf],
                    )
                },
            ),
            syst="string",
            run="real",
            ScEta="real",
            r9="real",
        ),
        _correction(
            "step_energy",
            category("syst", {"scale": category("seedGain", by_gain)}),
            syst="string",
            pt="real",
            seedGain="int",
        ),
    ]
    more = {"AbsScEta": "real"} if absolute else {}
    compound = cs.CompoundCorrection(
        name=scale,
        inputs=variables(syst="string", run="real", ScEta="real", r9="real", **more, pt="real", seedGain="int"),
        output=cs.Variable(name="scale", type="real"),
        inputs_update=["pt"],
        input_op="*",
        output_op="*",
        stack=["step_run", "step_energy"],
    )
    of_eta = "AbsScEta" if absolute else "ScEta"
    axes: Mapping[str, Any] = {"pt": [0, 25, 50, 1000], "r9": r9, of_eta: [0, 1.5, 3] if absolute else eta}
    nodes = {
        "smear": bins(seed + 1, 0.01, 0.03, **axes),
        "esmear": bins(seed + 2, 0.0005, 0.002, **axes),
        "escale": bins(seed + 3, 0.0005, 0.005, **axes),
    }
    for side, sign in (("up", 1), ("down", -1)):
        content = [w + sign * e for w, e in zip(nodes["smear"].content, nodes["esmear"].content, strict=True)]
        nodes[f"smear_{side}"] = nodes["smear"].model_copy(update={"content": content})
    types = {"syst": "string", "pt": "real", "r9": "real", of_eta: "real"}
    return write(path, [*steps, _correction(smear, category("syst", nodes), **types)], [compound])
