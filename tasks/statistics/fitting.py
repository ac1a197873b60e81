"""Fits of statistical models to data that are observed, expected or thrown."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law

from pocket.base.fingerprint import code_closure
from pocket.base.probabilities import short_probability
from pocket.errors import ConfigError, FitError, UnknownNameError, check_known
from pocket.io.store import write_output
from pocket.statistics.parameter_options import RESULTS as RESULTS
from pocket.statistics.parameter_options import read_ranges, read_values
from tasks.chain.results import describe_fit, digits_of, interval_text, significance_text
from tasks.core.console import counted, short_path
from tasks.core.report import is_done
from tasks.framework.base import input_ids
from tasks.settings.options import dial, option
from tasks.statistics.datacards import CHECKS, warning_lines
from tasks.statistics.options import PointOptions, declared_parameters, read_model
from tasks.statistics.toys import TOYS, FitToys, ThrowToys, ToyWorkflow

if TYPE_CHECKING:
    from pocket.io.store import Manifest
    from pocket.statistics import Likelihood, Model
    from pocket.statistics.analyses import Choice, Results
    from pocket.statistics.results import NoResult

DATA = ("asimov", "observed", "toys")
ASIMOV = ("prefit", "postfit")
POSTFIT = "postfit.h5"
#: results that data alone have
FOR_DATA = ("goodness", "background")
#: results from toys at points, which are made if they are asked for by name
BY_TOYS = ("toy_limits", "toy_significance", "feldman_cousins")
#: events below which asymptotic formulas are no good approximation
FEW_EVENTS = 10.0
#: expected events of a bin below which it has few, and the share of such bins up to which deviances follow a χ²
#: distribution (W. G. Cochran, Biometrics 10 (1954) 417)
FEW_IN_BIN, SHARE_OF_FEW = 5.0, 0.2
BANDS = ("expected −2 σ", "expected −1 σ", "expected median", "expected +1 σ", "expected +2 σ")
#: number of impacts that are printed
_SHOWN = 10


class FitChoice(PointOptions):
    """A task that needs the fit of a model to data that are observed, expected or thrown."""

    # luigi adds the choices of its ChoiceParameter to the description, in another order each time.
    data = option("asimov, observed (needs --unblind) or toys", DATA[0])
    asimov = option("nuisances of Asimov data: prefit, or postfit for those of a fit to data", ASIMOV[0])
    accept_missing = dial("take a fit of which some results aren't found", False)
    results = option("results besides the fit, goodness and background for data only", RESULTS, f"{','.join(RESULTS)}")
    toys = option("toys to fit, or for the goodness of fit, 0 for 100", 0, least=0)
    exclude_index = True

    @property
    def by_toys(self) -> tuple[str, ...]:
        """The results from toys at points that are asked for."""
        return tuple(one for one in self.results if one in BY_TOYS)

    def asks_for(self, result: str) -> bool:
        """Whether limits or the fit of background are asked for by name, which are shown also if a signal is seen."""
        return result in self.results and tuple(self.results) != RESULTS

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        params = super().modify_param_values(params)
        check_known("choice", [params["data"]], DATA, "--data")
        check_known("result", params["results"], (*RESULTS, *BY_TOYS), "--results")
        if params["data"] == "toys" and (named := [one for one in params["results"] if one in BY_TOYS]):
            raise ConfigError(f"--results {named[0]} needs --data asimov or observed, not toys")
        check_known("choice", [params["asimov"]], ASIMOV, "--asimov")
        unblinds, data = params["unblind"] != law.NO_STR, params["data"]
        fits_data = data == "asimov" and params["asimov"] == "postfit"
        if params["asimov"] == "postfit" and not fits_data:
            raise ConfigError(f"--asimov postfit has no effect with --data {data}")
        if data == "observed" and not unblinds:
            raise ConfigError(
                "--data observed needs --unblind REASON, which is recorded; without it, --data asimov is what the "
                "model expects"
            )
        if data != "observed" and unblinds and not fits_data:
            raise ConfigError(f"--unblind has no effect with --data {data}, which uses no observed data")
        if fits_data and params["card"] != law.NO_STR and not unblinds:
            raise ConfigError(
                "--asimov postfit of a card fits the data of all its regions, so it needs --unblind REASON, which is "
                "recorded"
            )
        named = [one for one in params["results"] if one in FOR_DATA] if tuple(params["results"]) != RESULTS else []
        if named and data != "observed":
            raise ConfigError(f"--results {named[0]} needs --data observed: Asimov data and toys have none")
        if data == "toys":
            params["toys"] = params["toys"] or 100
        elif params["toys_of"] != law.NO_STR:
            raise ConfigError(f"--toys-of has no effect with --data {data}")
        return params

    def lacks(self, manifest: Manifest) -> str:
        missing = int(manifest.info.get("missing", 0))
        return "" if self.accept_missing or not missing else f"a fit without {counted(missing, 'result')}"

    @contextlib.contextmanager
    def writing(self, files: Mapping[str, str], missing: int, **info: Any) -> Iterator[Path]:
        """Write files, and what is written in the block, of a fit without some results."""
        with write_output(**self.write_info(), **info, missing=missing, **self.reason) as output:
            for name, text in files.items():
                (output / name).write_text(text, encoding="utf-8")
            yield output
        if missing and not self.accept_missing:
            raise FitError(
                f"{counted(missing, 'result')} of {self.task_family} {self.config_part} "
                f"{'is' if missing == 1 else 'are'} missing, for the reasons above; all others are in "
                f"{short_path(self.directory)}; --accept-missing continues anyway"
            )


class FitModel(FitChoice):
    """Fits a model, by default to the data that it expects itself, and writes and prints the results.

    Examples:
        law run FitModel --version v1 --model z_xsec
        law run FitModel --version v1 --model z_xsec --results impacts,limits
        law run FitModel --version v1 --model z_xsec --data toys --toys 200
    """

    def requires(self) -> dict[str, Any]:
        """Return the model of the analysis, and the fits of toys if these are the data."""
        toys = {"toys": FitToys.req(self, branch=-1)} if self.data == "toys" else {}
        points = {"points": ThrowToys.req(self, branch=-1)} if self.by_toys else {}
        return {**self.model_tasks, **toys, **points}

    def fingerprint_spec(self) -> Any:
        return {
            "data": self.data,
            "asimov": self.asimov,
            "results": sorted(self.results),
            "toys": self.toys,
            **({"points": self.points, "toys_per_point": self.toys_per_point} if self.by_toys else {}),
            **self.options_spec,
            "code": [code_closure(f"pocket.statistics.{module}") for module in ("analyses", "prediction_files")],
        }

    def input_ids(self) -> dict[str, str] | None:
        targets = {label: task.output() for label, task in self.model_tasks.items()}
        for label, task in self.requires().items():
            if isinstance(task, ToyWorkflow):
                outputs = task.branch_outputs.values()
                targets |= {f"{label} {output.directory.name}": output for output in outputs}
        return input_ids(targets)

    def make(self) -> None:
        from pocket.statistics import predict, save_predictions, to_json
        from pocket.statistics.analyses import choose_likelihood, find_results, thrower, with_toys

        model = read_model(self.source)
        self.check_names(model)
        warnings, place = [], ""
        # A model that was made in this command has told its warnings.
        if self.datacards and not is_done(self.datacards):
            checks = self.datacards.directory / CHECKS
            place, text = short_path(checks), checks.read_text(encoding="utf-8")
            warnings = [finding["check"] for finding in json.loads(text)["warnings"]]
        files: dict[str, str] = {}
        missing: Sequence[NoResult] = ()
        predictions: dict[str, Any] = {}
        of, choice = self.toys_source, self.choice()
        if self.data == "toys":
            found = self.requires()["toys"].values()
            thrown = choose_likelihood(model, choice)
            if of is not None:
                thrown = thrower(read_model(of), thrown, choice)
            truth = dict(zip(thrown.parameters.names, map(float, thrown.parameters.start), strict=True))
            shown = toy_lines(found, self.toys, truth, "" if of is None else self.toys_of)
            files[TOYS] = json.dumps(found, indent=1, allow_nan=False)
        else:
            named = tuple(one for one in self.results if one in RESULTS)
            choice = self.choice(data=self.data, asimov=self.asimov, results=named, toys=self.toys)
            results = find_results(model, choice)
            if self.by_toys:
                results = with_toys(results, choice, self.by_toys, self.requires()["points"].found())
            missing, label = results.missing, f"{self.point}{_data_label(results.fit.likelihood, choice)}"
            shown = result_lines(results, self.data, label)
            predictions = {"prefit": predict(results.fit.likelihood), "postfit": predict(results.fit)}
            if results.background is not None:
                predictions["background"] = predict(results.background)
            files["fit.json"] = to_json(
                {
                    "fit": results.fit.result(),
                    "intervals": dict(results.intervals),
                    "data": self.data,
                    "label": label,
                    "breakdowns": dict(results.breakdowns),
                    "confirmation": results.confirmation,
                    "missing": missing,
                    "background": results.background.result() if results.background is not None else None,
                }
            )
            if results.impacts:
                files["impacts.json"] = to_json(results.impacts)
                files["impacts_of_simulation.json"] = to_json(results.simulation)
            files |= {f"{name}.json": to_json(records) for name, records in results.others.items()}
        print("\n".join([*shown, *warning_lines(warnings, place)]), flush=True)
        with self.writing(files, len(missing), data=self.data) as output:
            if predictions:
                save_predictions(predictions, output / POSTFIT)

    def describe_results(self) -> list[tuple[str, str]]:
        return describe_fit(self.directory, self.asks_for("limits"))

    @property
    def point(self) -> str:
        """The point of a grid of signals whose model is fitted, such as ``"m = 200, "``; empty for other models."""
        from pocket.statistics.declared_grids import grids_of

        if self.the_card is None:
            for name, grid in grids_of(self.analysis_inst.models).items():
                for value, model in grid.models(name).items():
                    if model == self.model:
                        return f"{grid.name} = {value:.12g}, "
        return ""

    def check_names(self, model: Model) -> None:
        from pocket.statistics.analyses import with_names

        where = f"model {self.config_part!r}"
        try:
            with_names(model, self.choice(), where)
        except UnknownNameError as error:
            if self.the_card is None:
                known = declared_parameters(self.param_kwargs)
                for name in (*self.freeze, *read_values(self.set), *read_ranges(self.ranges)):
                    if name in known.names and name not in model.parameters:
                        raise ConfigError(
                            f"the parameter {name!r} isn't in {where}: its effects are too small in all regions, so it "
                            "is left out"
                        ) from error
            raise


def _data_label(likelihood: Likelihood, choice: Choice) -> str:
    """Return in words which data a fit has."""
    without = f", without {', '.join(choice.mask)}" if choice.mask else ""
    if choice.data == "observed":
        return f"observed{without}"
    parameters = likelihood.parameters
    at = ", ".join(f"{poi} = {parameters.start[parameters.index(poi)]:g}" for poi in likelihood.model.pois)
    after = ", nuisances after a fit to data" if choice.asimov == "postfit" else ""
    return f"Asimov, {at}{after}{without}"


def confirmation_lines(results: Results) -> list[str]:
    """Return what the other minimiser says of the best fit, if it doesn't agree."""
    from pocket.statistics.analyses import DIFFERENCE

    found = results.confirmation
    if found.difference < -DIFFERENCE:
        return [
            f"warning: {results.fit.minimiser} found a minimum that is lower by {-found.difference:.2g}, which all "
            "results are of: look at the likelihood for other minima"
        ]
    if not found.converged or found.difference > DIFFERENCE:
        how = f"a minimum that is higher by {found.difference:.2g}" if found.converged else "no minimum"
        return [f"note: the best fit isn't confirmed, since {found.minimiser} finds {how}"]
    return []


def toy_result_lines(results: Results, is_data: bool) -> list[str]:
    """Return the lines about what toys at points give, and the notes where asymptotic results need them."""
    from pocket.statistics.limits import sensitive_events

    lines = []
    for limit in results.others.get("toy_limits", ()):
        low2, low1, median, high1, high2 = (f"{value:.3g}" if math.isfinite(value) else "?" for value in limit.expected)
        lines.append(
            f"{'' if is_data else 'expected '}{limit.poi} < {limit.observed:.3g} ± {limit.error:.1g} at "
            f"{100 * limit.level:g} % CL by toys, {'expected' if is_data else 'median'} {median} (68 %: {low1} to "
            f"{high1}, 95 %: {low2} to {high2})"
        )
    for found in results.others.get("toy_significance", ()):
        sign = "" if found.above else "> "
        p_value = f"{found.p_value:.2g} ± {found.error:.1g}" if found.above else f"< {found.error:.2g}"
        lines.append(f"{found.poi}: p = {p_value} by {counted(found.toys, 'toy')}, {sign}{found.significance:.1f} σ")
    for found in results.others.get("feldman_cousins", ()):
        text = interval_text(found.value, found.low, found.high, found.bounded)
        lines.append(f"{found.poi} = {text} at {100 * found.level:.3g} % CL by Feldman and Cousins")
    by_toys = {"limits": "toy_limits", "significance": "toy_significance", "intervals": "feldman_cousins"}
    asymptotic = {result: [one.poi for one in results.others.get(result, ())] for result in ("limits", "significance")}
    asymptotic["intervals"] = list(results.intervals)
    for poi in results.intervals:
        rough: dict[str, list[str]] = {}
        for result in (of for of, by in by_toys.items() if poi in asymptotic[of] and by not in results.others):
            expected, simulated = sensitive_events(results.fit, poi, interval=result == "intervals")
            numbers = {"expected": expected, "simulated": simulated}
            if few := [f"{number:.2g} {kind}" for kind, number in numbers.items() if 0 < number < FEW_EVENTS]:
                rough.setdefault(" and ".join(few), []).append(result)
        lines += [
            f"note: {_listed(found)} of {poi} {'rests' if found == ['significance'] else 'rest'} on {few} events, so "
            f"asymptotic formulas are rough: --results {','.join(by_toys[result] for result in found)} has them by toys"
            for few, found in rough.items()
        ]
    return lines


def goodness_lines(results: Results) -> list[str]:
    """Return the lines about the goodness of fit, and the note where its χ² distribution is rough."""
    test = results.others.get("gof")
    if test is None:
        return []
    if test.degrees <= 0 and test.p_toys is None:
        return ["goodness of fit: none, because there are as many free parameters as bins, or more"]
    toys = f", {short_probability(test.p_toys, 3)} by {counted(len(test.toys), 'toy')}" if test.toys else ""
    toys += f", {counted(test.failed, 'fit')} without a minimum" if test.failed else ""
    deviance, p_value = _number(test.deviance, 1), short_probability(test.p_value, 3)
    lines = [f"goodness of fit: deviance {deviance:.1f} of {test.degrees}, p = {p_value}{toys}"]
    likelihood = results.fit.likelihood
    expected = likelihood.expectation(results.fit.values)[likelihood.is_seen]
    few = int((expected < FEW_IN_BIN).sum())
    if not test.toys and few > len(expected) * SHARE_OF_FEW:
        lines.append(
            f"note: {few} of {counted(len(expected), 'bin')} {'expects' if few == 1 else 'expect'} fewer than "
            f"{FEW_IN_BIN:g} events, so p is rough: --toys 200 has it by toys"
        )
    return lines


def result_lines(results: Results, data: str, label: str = "") -> list[str]:
    """Return the lines that a fit prints."""
    from pocket.statistics.tensors import count_simulation

    likelihood = results.fit.likelihood
    found, is_data = results.others.get("significance", ()), data == "observed"
    significances = {one.poi: one.significance for one in found}
    lines = []
    for poi, interval in results.intervals.items():
        digits = digits_of(min(interval.errors) or max(interval.errors))
        parts = [f"{poi} = {interval_text(interval.value, interval.low, interval.high, interval.bounded)}"]
        if poi in results.breakdowns:
            stat_down, stat_up = results.breakdowns[poi].groups["stat"]
            parts[0] += f" (stat. −{stat_down:.{digits}f} +{stat_up:.{digits}f})"
        if poi in significances:
            text = significance_text(significances[poi])
            kind = "" if is_data else "expected "
            parts.append(f"{kind}{text}" if "significance" in text else f"{kind}significance {text}")
        lines.append("   ".join(parts))
    simulated = count_simulation(likelihood.has_gaussian, likelihood.simulation_events)
    count = counted(len(likelihood.parameters.names), "parameter")
    count += f" and {simulated} of simulation's statistics" if simulated else ""
    end = f"{label or data}, {count}, {results.seconds:.1f} s"
    lines = [*lines[:-1], f"{lines[-1]}   {end}"] if lines else [end]
    lines += confirmation_lines(results)
    lines += [f"no {none.result} of {none.name}: {none.reason}" for none in results.missing]
    lines += toy_result_lines(results, is_data)
    for limit in results.others.get("limits", ()):
        if limit.range_end is not None:
            ends = {"observed": limit.observed} if is_data else {}
            ends |= dict(zip(BANDS, limit.expected, strict=True))
            beyond = [name for name, value in ends.items() if value > limit.range_end]
            lines.append(
                f"note: the {_listed(beyond)} {'limit' if len(beyond) == 1 else 'limits'} of {limit.poi} "
                f"{'is' if len(beyond) == 1 else 'are'} beyond its range, which ends at {limit.range_end:g}"
            )
    lines += goodness_lines(results)
    parameters = results.fit.result().parameters
    poi = next(iter(results.intervals), "")
    if results.impacts and (side := parameters[poi].bound):
        lines.append(f"note: {poi} is at its {side} bound, so impacts are 0; --ranges lets it go beyond")
    shown = () if poi and parameters[poi].bound else (*results.impacts, *results.simulation)
    ranked = sorted(shown, key=lambda impact: -impact.size(poi))[:_SHOWN]
    width = max((len(impact.name) for impact in ranked), default=0)
    decimals = max(3, digits_of(parameters[poi].error)) if poi else 3
    for number, impact in enumerate(ranked, start=1):
        record = parameters.get(impact.name)
        down, up = impact.effects[poi]
        kind = "value" if record and record.kind == "free" else "pull"
        # Parameters of simulation aren't among those of the fit.
        value, error = (impact.value, record.error) if record else (impact.pull, sum(impact.constraint) / 2)
        digits = digits_of(error) if kind == "value" else 2
        lines.append(
            f"{number:3d} {impact.name:<{width}}  {_signed(up, decimals)} {_signed(down, decimals)}   "
            f"{kind} {_number(value, digits):.{digits}f} ± {error:.{digits}f}".replace("-", "−")
        )
    for name, record in parameters.items():
        if record.pull is not None and abs(record.pull) > 3:
            lines.append(f"warning: {name} is pulled by {record.pull:+.1f}")
        elif record.kind == "nuisance" and record.floating and 0 < record.error < 0.3:
            lines.append(f"warning: {name} is constrained to {record.error:.2f} of its error before the fit")
    return lines


def toy_lines(
    found: Mapping[str, Mapping[str, Sequence[float]]], toys: int, truth: Mapping[str, float], of: str = ""
) -> list[str]:
    """Return the lines about fits of toys, perhaps of another model, thrown at true values: mean, pulls, coverage."""
    thrown = f"of {of} " if of else ""
    lines = []
    for poi, results in found.items():
        values, count = results["value"], len(results["value"])
        if not count:
            lines.append(f"{poi}: no fit of {counted(toys, 'toy')} has a minimum")
            continue
        true = truth[poi]
        ends = list(zip(results["low"], results["high"], strict=True))
        pulls = []
        for value, (low, high) in zip(values, ends, strict=True):
            error = value - low if value > true else high - value
            pulls.append((value - true) / error if error > 0 else 0.0)
        mean = sum(pulls) / count
        width = math.sqrt(sum((pull - mean) ** 2 for pull in pulls) / max(count - 1, 1))
        covered = sum(low <= true <= high for low, high in ends) / count
        failed = f", {counted(toys - count, 'fit')} without a minimum" if count < toys else ""
        # Pulls are one-sided there, so their mean is no bias.
        at_bound = sum(value in end for value, end in zip(values, ends, strict=True)) / count
        failed += f", {100 * at_bound:.0f} % at a bound of {poi}" if at_bound else ""
        lines.append(
            f"{poi} = {sum(values) / count:.3f} in {counted(count, 'toy')} {thrown}with {poi} = {true:g}   "
            f"pull {_signed(mean, 2)} ± {width / math.sqrt(count):.2f}, width {width:.2f}, "
            f"coverage {100 * covered:.0f} %{failed}".replace("-", "−")
        )
    return lines


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _signed(value: float, digits: int = 3) -> str:
    return f"{_number(value, digits):+.{digits}f}".replace("-", "−")


def _number(value: float, digits: int = 2) -> float:
    """Return a number that isn't shown as −0."""
    return 0.0 if abs(value) < 0.5 * 10**-digits else value
