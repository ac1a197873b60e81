"""Comparison of two versions of the corrections that a configuration uses, and of the templates made with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import luigi

from pocket.base.fingerprint import code_closure
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.errors import ConfigError
from pocket.io.store import write_output
from pocket.parameters.tags import assignments, describe, read_tags, rename
from pocket.parameters.used_files import recording_files
from pocket.plots.files import save_plots
from tasks.chain.blinding import BlindTask
from tasks.chain.figures import FormatsTask, check_style_in
from tasks.chain.merging import MergeOutputs
from tasks.framework.base import input_ids, load
from tasks.settings.options import option

if TYPE_CHECKING:
    from pocket.corrections.comparison import UsedCorrection
    from pocket.histograms.comparison import TemplateComparison

SIDES = ("left", "right")
#: what a side without tags is called
CURRENT = "current"
REPORT = "changes.txt"
_CODE = (
    *("outputs.changes", "outputs.tables", "plots.changes", "configuration.used_corrections"),
    *("corrections.comparison", "histograms.comparison"),
)


class CompareCorrections(FormatsTask, BlindTask):
    """Compares two versions of the corrections that a configuration uses, bin by bin, and the templates with both.

    Examples:
        law run CompareCorrections --version v1 --right latest
        law run CompareCorrections --version v1 --right latest --templates False
    """

    left = option(
        "version of the corrections before: the tag of a folder such as 2025-09-23, latest, or "
        "the path of another root of corrections; GROUP=… for one group alone, e.g. JME=2025-09-23,MUO=latest",
        (),
        "the files that the parameters name",
    )
    right = option("version of the corrections after, in the same form", (), "as for --left")
    templates = option(
        "also make and compare templates with both versions", True, parsing=luigi.BoolParameter.EXPLICIT_PARSING
    )
    largest = option("number of the largest differences to print, and of the templates to draw", 20, least=1)

    @classmethod
    def modify_param_values(cls, params: dict[str, Any]) -> dict[str, Any]:
        from pocket.configuration.used_corrections import check_files

        params = super().modify_param_values(params)
        tags = {side: read_tags(params[side], f"--{side}") for side in SIDES}
        if tags["left"] == tags["right"]:
            raise ConfigError(
                f"--left and --right are both {describe(tags['left']) or CURRENT}: give another one, such as "
                "--right latest"
            )
        analysis = load(params)
        config = analysis.config(params["config"])
        check_style_in(analysis, config)
        if params["templates"]:
            try:
                for side in SIDES:
                    check_files(_used(params), side)
                    load(_of_side(params, side)).config(params["config"])
            except ConfigError as error:
                raise ConfigError(
                    f"{error}; --templates False compares the corrections alone, and --{side} GROUP=… changes one group"
                ) from None
        return params

    def requires(self) -> dict[str, MergeOutputs]:
        """Return the templates with both versions, which are made with parameters of their own."""
        if not self.templates:
            return {}
        params = self.param_kwargs
        return {side: MergeOutputs.req(self, params=_of_side(params, side)["params"]) for side in SIDES}

    @property
    def labels(self) -> tuple[str, str]:
        left, right = (describe(read_tags(getattr(self, side), f"--{side}")) or CURRENT for side in SIDES)
        return left, right

    def used(self) -> list[UsedCorrection]:
        return _used(self.param_kwargs)

    def fingerprint_spec(self) -> Any:
        return {
            "corrections": [(one.left, one.right, one.name, one.users) for one in self.used()],
            "templates": {side: task.fingerprint for side, task in self.requires().items()},
            "labels": self.labels,
            **({"blind": hidden} if (hidden := self.hidden_categories) else {}),
            "largest": self.largest,
            **self.figure_plan.spec(),
            "code": [code_closure(f"pocket.{module}") for module in _CODE],
        }

    def input_ids(self) -> dict[str, str] | None:
        return input_ids({f"templates {side}": task.output() for side, task in self.requires().items()})

    def make(self) -> None:
        from pocket.corrections.comparison import compare_corrections, compare_names
        from pocket.outputs.changes import Changes
        from pocket.plots.changes import draw_changes, draw_corrections
        from pocket.plots.style import PlotStyle
        from pocket.plots.templates.figures import period_of

        plan, used = self.figure_plan, self.used()
        with recording_files() as files:
            corrections, names = compare_corrections(used), compare_names(used)
        templates = self.compared_templates()
        changes = Changes(str(self.config), *self.labels, corrections, names, templates)
        text = changes.text(int(self.largest))
        style = PlotStyle.from_parameters(plan.style)
        formats = self.formats_to_write()
        with write_output(
            **self.write_info(), parameter_files=files.checksums(), formats=formats, **self.reason
        ) as folder:
            for name, content in {**changes.files(), REPORT: text}.items():
                (folder / name).write_text(content, encoding="utf-8")
            save_plots(draw_corrections(corrections, self.labels, style), folder / "plots", formats)
            if templates is not None:
                from pocket.histograms.comparison import largest

                drawn = largest(templates, int(self.largest))
                plots = draw_changes(drawn, self.labels, style, period_of(plan), plan.samples)
                save_plots(plots, folder / "plots", formats)
        print(text, end="")

    def compared_templates(self) -> list[TemplateComparison] | None:
        """Return the comparison of all templates without those of data that are blinded; ``None`` without templates."""
        from pocket.histograms.comparison import compare_templates
        from pocket.plots.specification import figure_names
        from pocket.plots.style import PlotStyle

        if not self.templates:
            return None
        required, plan, hidden = self.requires(), self.figure_plan, self.hidden_categories
        blind = PlotStyle.from_parameters(plan.style).blind_hists
        # Of a histogram with several axes, the projections are blinded.
        blinded = {name for name in plan.variables if set(figure_names(plan.variables, name)) & set(blind.histograms)}

        def is_blinded(one: TemplateComparison) -> bool:
            is_mc = plan.samples.get(one.sample.partition(SUBSAMPLE)[0], True)
            partly = one.category in blind.categories and one.variable in blinded
            return not is_mc and (partly or one.category in hidden)

        compared = compare_templates(required["left"].directory, required["right"].directory)
        return [one for one in compared if not is_blinded(one)]


def _of_side(params: dict[str, Any], side: str) -> dict[str, Any]:
    """Return the parameters of a task for templates with the corrections of a side."""
    tags = read_tags(params[side], f"--{side}")
    return {**params, "params": (*params["params"], *assignments(tags))}


def _used(params: dict[str, Any]) -> list[UsedCorrection]:
    from pocket.configuration.used_corrections import used_corrections

    left, right = (read_tags(params[side], f"--{side}") for side in SIDES)
    return used_corrections(
        load(params), params["config"], lambda name: rename(name, left), lambda name: rename(name, right)
    )
