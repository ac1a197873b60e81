"""Our models in pyhf, which interpolates templates as combine does, and factors beyond one half."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyhf
from scipy.special import gammaln

from pocket.statistics.likelihood import Likelihood
from pocket.statistics.model import Model, RegionModel
from pocket.statistics.tensors import decompose, poisson_processes, tensors


def convert(model: Model, poi: str | None, staterror: bool = False) -> Any:
    """Return the pyhf model; MC errors are a parameter for each bin and process, or with ``staterror`` for each bin."""
    gaussian, poisson, _ = poisson_processes(model, tensors(model))
    channels, first = [], 0
    for region in model.regions:
        bins = slice(first, first + region.bins)
        first += region.bins
        rows = [model.processes.index(process) for process in region.processes]
        samples = [
            sample(model, region, number, gaussian[row, bins], poisson[row, bins], staterror)
            for number, row in enumerate(rows)
        ]
        channels.append({"name": region.name, "samples": samples})
    spec = {
        "channels": channels,
        "parameters": [
            {"name": name, "bounds": [[max(entry.low, -50), min(entry.high, 50)]], "inits": [entry.initial]}
            for name, entry in {**model.pois, **model.free}.items()
        ],
    }
    codes = {"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code4p"}}
    return pyhf.Model(spec, poi_name=poi, validate=False, modifier_settings=codes)


def sample(
    model: Model, region: RegionModel, row: int, gaussian: np.ndarray, poisson: np.ndarray, staterror: bool
) -> dict[str, Any]:
    process, nominal = region.processes[row], region.nominal[row]
    modifiers: list[dict[str, Any]] = [
        {"name": factor, "type": "normfactor", "data": None} for factor in region.factors.get(process, ())
    ]
    for name in model.nuisances:
        low, high = region.log_normals.get(name, {}).get(process, (1.0, 1.0))
        pair = region.shapes.get(name, {}).get(process)
        if pair:
            (down, up), odd, even = decompose(region, process, pair, model.smallest_norm)
            low, high = low * np.exp(down), high * np.exp(up)
            data = {"hi_data": (nominal + odd + even).tolist(), "lo_data": (nominal - odd + even).tolist()}
            modifiers.append({"name": name, "type": "histosys", "data": data})
        if (low, high) != (1.0, 1.0):
            modifiers.append({"name": name, "type": "normsys", "data": {"hi": float(high), "lo": float(low)}})
    errors = np.sqrt(region.sumw2[row])
    if staterror:
        modifiers.append({"name": f"mc_{region.name}", "type": "staterror", "data": errors.tolist()})
        return {"name": process, "data": nominal.tolist(), "modifiers": modifiers}
    for b in np.flatnonzero(gaussian):
        shift = errors * (np.arange(region.bins) == b)
        data = {"hi_data": (nominal + shift).tolist(), "lo_data": (nominal - shift).tolist()}
        modifiers.append({"name": f"mc_{region.name}_{process}_{b}", "type": "histosys", "data": data})
    if poisson.any():
        name = f"gamma_{region.name}_{process}"
        modifiers.append({"name": name, "type": "shapesys", "data": (errors * poisson).tolist()})
    return {"name": process, "data": nominal.tolist(), "modifiers": modifiers}


def parameters(likelihood: Likelihood, pdf: Any, values: np.ndarray) -> np.ndarray:
    """Return the parameters of pyhf at a point, with the MC errors where our profile has them."""
    model = likelihood.model
    found = np.array(pdf.config.suggested_init(), dtype=float)
    for name, value in zip(model.parameters, values, strict=True):
        found[pdf.config.par_slice(name)] = value
    gaussian, poisson = likelihood.simulation(values)
    first = 0
    for region in model.regions:
        for process in region.processes:
            row = model.processes.index(process)
            for b in range(region.bins):
                name = f"mc_{region.name}_{process}_{b}"
                if name in pdf.config.par_map:
                    # The parameter of a bin is shared by processes as their errors.
                    total = errors_of_bin(likelihood, values, first + b)
                    amplitude = total[row] / np.sqrt((total**2).sum())
                    found[pdf.config.par_slice(name)] = gaussian[first + b] * amplitude
            if f"gamma_{region.name}_{process}" in pdf.config.par_map:
                place = pdf.config.par_slice(f"gamma_{region.name}_{process}")
                found[place] = poisson[row, first : first + region.bins]
        first += region.bins
    return found


def errors_of_bin(likelihood: Likelihood, values: np.ndarray, position: int) -> np.ndarray:
    """Return the Gaussian errors of processes in a bin, which follow their yields but not their templates."""
    model = likelihood.model
    gaussian, _, _ = poisson_processes(model, likelihood.arrays)
    column = likelihood.arrays.column[position]
    bins = likelihood.arrays.slices()[column]
    nominal = likelihood.arrays.nominal[:, bins].sum(axis=1)
    factor = np.divide(
        likelihood.yields(values)[:, bins].sum(axis=1), nominal, out=np.zeros(len(nominal)), where=nominal > 0
    )
    return np.asarray(factor * np.sqrt(likelihood.arrays.sumw2[:, position] * gaussian[:, position]))


def data_of(likelihood: Likelihood, pdf: Any) -> np.ndarray:
    """Return the data and auxiliary data of pyhf, whose channels are in alphabetical order."""
    model = likelihood.model
    bins = dict(zip((region.name for region in model.regions), likelihood.arrays.slices(), strict=True))
    data = [likelihood.observations.data[bins[name]] for name in pdf.config.channels]
    return np.concatenate([*data, pdf.config.auxdata])


def expectation(likelihood: Likelihood, pdf: Any, values: np.ndarray) -> np.ndarray:
    """Return what pyhf expects in our order of bins."""
    found = pdf.expected_data(parameters(likelihood, pdf, values).tolist(), include_auxdata=False)
    return np.concatenate([found[pdf.config.channel_slices[region.name]] for region in likelihood.model.regions])


def deviance(likelihood: Likelihood, pdf: Any, values: np.ndarray) -> float:
    """Return pyhf's likelihood as a deviance: without what doesn't depend on parameters."""
    data = data_of(likelihood, pdf)
    value = -2 * float(pdf.logpdf(parameters(likelihood, pdf, values).tolist(), data.tolist())[0])
    counts = likelihood.observations.data
    logs = counts * np.log(np.where(counts > 0, counts, 1))
    constant = 2 * np.sum(gammaln(counts + 1) + counts - logs)
    for name in pdf.config.auxdata_order:
        place = pdf.config.par_map[name]["paramset"]
        if place.pdf_type == "normal":
            constant += np.log(2 * np.pi) * place.n_parameters
        else:
            n = np.array(place.factors)
            constant += 2 * np.sum(gammaln(n + 1) + n - n * np.log(n))
    return value - float(constant)
