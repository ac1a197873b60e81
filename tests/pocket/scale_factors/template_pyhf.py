"""The model of template fits in pyhf, whose factors are linear or exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyhf

from pocket.scale_factors.methods.pass_fail_template.inputs import REGIONS, TemplateInputs


def model(templates: TemplateInputs) -> Any:
    """Write the failing yield F (1 + (1 − SF) R) as a fixed sample F (1 + R) and −R F, which SF multiplies."""
    channels = []
    for r, region in enumerate(REGIONS):
        samples = []
        for process, nominal in templates.nominal.items():
            ratio = nominal[0].sum() / nominal[1].sum()
            if process not in templates.flavours:
                parts = [(True, 1.0)]
            elif region == "pass":
                parts = [(False, 1.0)]
            else:
                parts = [(True, 1 + ratio), (False, -ratio)]
            for i, (fixed, factor) in enumerate(parts):
                errors = np.sqrt(templates.sumw2[process][r]) * (i == 0)
                sample = {"name": f"{process}_{i}", "data": (nominal[r] * factor).tolist()}
                sample["modifiers"] = _modifiers(templates, process, r, factor, fixed)
                sample["modifiers"].append({"name": f"stat_{region}", "type": "staterror", "data": errors.tolist()})
                samples.append(sample)
        channels.append({"name": region, "samples": samples})
    codes = {"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code4p"}}
    return pyhf.Model({"channels": channels}, validate=False, poi_name=None, modifier_settings=codes)


def _modifiers(
    templates: TemplateInputs, process: str, region: int, factor: float, fixed: bool
) -> list[dict[str, Any]]:
    modifiers: list[dict[str, Any]] = []
    if not fixed:
        modifiers.append({"name": f"SF_{process}", "type": "normfactor", "data": None})
    if templates.free_normalisation:
        modifiers.append({"name": "normalisation", "type": "normfactor", "data": None})
    for name, nuisance in templates.nuisances.items():
        kappa = nuisance.rate.get(process, 1.0) * (1.0 if fixed else nuisance.scale.get(process, 1.0))
        if kappa != 1:
            modifiers.append({"name": name, "type": "normsys", "data": {"hi": kappa, "lo": 1 / kappa}})
        if process in nuisance.shape:
            up, down = (values[region] * factor for values in nuisance.shape[process])
            data = {"hi_data": up.tolist(), "lo_data": down.tolist()}
            modifiers.append({"name": name, "type": "histosys", "data": data})
    return modifiers


def fit(
    templates: TemplateInputs, fixed: dict[str, float] | None = None
) -> dict[str, tuple[float, float, float, float]]:
    """Return value, parabolic error and the lower and upper MINOS error (with sign) of each scalar parameter."""
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    pdf = model(templates)
    counts = dict(zip(REGIONS, templates.data, strict=True))
    data = np.concatenate([*(counts[region] for region in pdf.config.channels), pdf.config.auxdata])
    first, held = pdf.config.suggested_init(), pdf.config.suggested_fixed()
    at = {name: pdf.config.par_slice(name).start for name in pdf.config.par_order if not name.startswith("stat_")}
    frozen = {f"SF_{flavour}": value for flavour, value in templates.flavours.items() if value is not None}
    for name, value in {**frozen, **(fixed or {})}.items():
        first[at[name]], held[at[name]] = value, True
    _, result = pyhf.infer.mle.fit(data, pdf, first, fixed_params=held, return_result_obj=True)
    minuit = result.minuit
    names = {name: minuit.parameters[i] for name, i in at.items()}
    found = {}
    for name, parameter in names.items():
        ends = (0.0, 0.0)
        if name.removeprefix("SF_") in templates.floating:
            minuit.minos(parameter)
            ends = (minuit.merrors[parameter].lower, minuit.merrors[parameter].upper)
        found[name] = (minuit.values[parameter], minuit.errors[parameter], *ends)
    return found
