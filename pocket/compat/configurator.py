"""PocketCoffea's ``Configurator`` over ours: its arguments in its order, with the defaults that it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pocket.base.runtime.remarks import remark
from pocket.compat.calibrators import default_calibrators_sequence
from pocket.compat.common_weights import common_weights
from pocket.compat.custom_axes import custom_axes
from pocket.compat.refused_names import remark_refused_names
from pocket.compat.unknown_names import KnownNames
from pocket.configuration import configurator as ours
from pocket.configuration.skim import Skim
from pocket.cuts.library import passthrough
from pocket.errors import ConfigError
from pocket.histograms.config import HistConf
from pocket.weights import event


class Configurator(ours.Configurator):
    """A configuration as PocketCoffea declares it, see :class:`pocket.configuration.configurator.Configurator`.

    Unknown samples, years and categories are left out with a remark (:mod:`pocket.compat.unknown_names`).

    Args:
        categories: category → cuts, or a selection object; empty for one category ``baseline`` without cuts.
        variables: histogram name → histogram; the axes of the workflow's ``custom_axes`` come first in each, and NaN
            counts above the last bin.
        calibrators: calibrators in order; ``None`` stands for the default sequence.
        save_skimmed_files: if given, the configuration only makes a skim, which is in the store and not in this folder;
            ``workflow_options["skim_mode"]`` is its mode (:class:`pocket.configuration.skim.Skim`).
        subsamples: PocketCoffea has it in ``datasets`` only.
    """

    _keeps_last = True

    def __init__(
        self,
        workflow: Any,
        parameters: Any,
        datasets: Mapping[str, Any],
        skim: Sequence[Any],
        preselections: Sequence[Any],
        categories: Any,
        weights: Mapping[str, Any],
        variations: Mapping[str, Any],
        variables: Mapping[str, HistConf],
        weights_classes: Sequence[Any] | None = None,
        calibrators: Sequence[Any] | None = None,
        columns: Mapping[str, Any] | None = None,
        workflow_options: Mapping[str, Any] | None = None,
        save_skimmed_files: str | None = None,
        do_postprocessing: bool = True,
        subsamples: Mapping[str, Any] | None = None,
        delayed_columns: Sequence[Any] = (),
        parameters_read: Sequence[str] = (),
    ) -> None:
        #: Reasons why our own Configurator wouldn't do, for ``law run Migrate``.
        self.only_theirs: list[str] = [] if categories else ["it has no categories"]
        categories = categories or {"baseline": [passthrough]}
        known = KnownNames(datasets, categories)
        given = tuple(weights_classes or ())
        weights_classes = _weights(given)
        constant = [str(one.name) for one in weights_classes if not getattr(one, "has_variations", True)]
        calibrators = default_calibrators_sequence if calibrators is None else calibrators
        self._makes_skim = save_skimmed_files is not None
        super().__init__(
            workflow=workflow,
            parameters=parameters,
            datasets=known.datasets(datasets),
            skim=skim,
            preselections=preselections,
            categories=categories,
            weights=known.block(weights, "weights"),
            variations=known.variations(variations, constant, calibrators),
            variables=known.variables(variables),
            weights_classes=weights_classes,
            calibrators=calibrators,
            columns=known.block(columns, "columns"),
            workflow_options=workflow_options,
            do_postprocessing=do_postprocessing,
            subsamples=subsamples,
            delayed_columns=delayed_columns,
            parameters_read=parameters_read,
        )
        for weight in self.weights.classes.values():
            if refused := getattr(weight, "refused", ""):
                raise ConfigError(refused)
        remark_refused_names()
        known.report()
        if known.left_out:
            self.only_theirs.append("it leaves out names that aren't there")
        shipped = event.common_weights
        others = {
            name: one for name, one in self.weights.classes.items() if one in common_weights and one not in shipped
        }
        #: Names of the applied weights that only PocketCoffea's names have, for the same.
        self.their_weights = tuple(others)
        if any(weight not in given for weight in others.values()):
            self.only_theirs.append("it has weights of PocketCoffea that weights_classes doesn't name")
        if len({getattr(weight, "name", weight) for weight in given}) < len(given):
            self.only_theirs.append("weights_classes has several weights of one name")
        if self._makes_skim:
            self.only_theirs.append("it has save_skimmed_files")
            remark(
                f"save_skimmed_files={save_skimmed_files!r}: nothing is written there, the skim is an output of "
                "SkimEvents in the store"
            )
        axes = custom_axes(self)
        if axes:
            self.only_theirs.append("it adds the workflow's custom_axes")
        self.variables = {
            name: dataclasses.replace(conf, axes=(*axes, *conf.axes), nan="overflow")
            for name, conf in self.variables.items()
        }

    def _cannot_process(self, reason: str) -> None:
        """Remark that a dataset can't be processed, since PocketCoffea finds out when it processes the dataset."""
        self.only_theirs.append("it has datasets that can't be processed")
        remark(f"processing will fail, {reason}")

    def own_skim(self, name: str) -> Skim | None:
        """Return the skim of a configuration with ``save_skimmed_files``, ``None`` if it fills templates."""
        mode = self.workflow_options.get("skim_mode", "skim")
        return Skim(config=name, mode=mode) if self._makes_skim else None

    def _check_variables(self, dropped: Sequence[str]) -> None:
        if self.variables or any(any(by_category.values()) for by_category in self.columns.values()):
            super()._check_variables(dropped)
        elif not self._makes_skim:
            remark("the configuration has neither histograms nor columns: its output has sums and the cutflow only")

    def load(self) -> None:
        """Do nothing: a configuration is checked and complete when it is made."""


def _weights(given: Sequence[Any]) -> list[Any]:
    """Return the weights that may be named; one of the configuration's own goes before a shipped one of its name."""
    own = [weight for weight in given if weight not in common_weights]
    names = {getattr(weight, "name", None) for weight in own}
    return [*(weight for weight in common_weights if weight.name not in names), *own]
