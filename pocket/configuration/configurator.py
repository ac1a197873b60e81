"""The declarative configuration of one step of an analysis: what is read, selected, weighted and filled."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from pocket.base.arguments import Declarative
from pocket.base.dialects import dialect
from pocket.base.file_names import check_file_name
from pocket.base.fingerprint.names import names_in
from pocket.base.sample_blocks import SUBSAMPLE
from pocket.calibrators.base import Calibrator
from pocket.columns.config import build_column_plan
from pocket.columns.formats import ColumnFormat, check_formats
from pocket.configuration.deferred import deferred
from pocket.configuration.era_names import era_names
from pocket.configuration.shape_variations import build_shape_plan, check_variations
from pocket.configuration.stored_variations import one_sided_variations, stored_variations
from pocket.configuration.user_errors import defined_at
from pocket.configuration.whole import check_whole
from pocket.corrections.names import check_corrections
from pocket.corrections.tagged_names import with_names_of_files
from pocket.cuts.categories import StandardSelection, check_event_cuts
from pocket.cuts.cut import Cut
from pocket.datasets.definition_files import by_name, read_all_definitions
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.fileset import DatasetInfo, select_datasets
from pocket.datasets.sample_variations import dedicated_variations, names_of, varied_datasets
from pocket.errors import ConfigError, PocketError, check_known, nearest
from pocket.histograms.combined import combinations_of
from pocket.histograms.config import HistConf
from pocket.models.delayed_columns import DelayedColumn, check_delayed_columns
from pocket.parameters.plain import plain_section, to_plain
from pocket.parameters.shipped import definition_file, find_file
from pocket.parameters.tags import with_tags
from pocket.parameters.visible import EVERYTHING, Reader, guarded, visible
from pocket.plan.figures import FigurePlan
from pocket.plan.merging import MergingPlan
from pocket.plan.processing import ProcessingPlan, processing_metadata
from pocket.plan.samples import SampleNames
from pocket.plan.shapes import ShapePlan
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights.base import NormalisationWeight, WeightWrapper
from pocket.weights.event import common_weights
from pocket.weights.plan import WeightPlan, build_plan

if TYPE_CHECKING:
    from pocket.configuration.skim import Skim

#: sections of the parameters that only plots and the toys read, not the processor
NOT_PROCESSED = ("plotting_style", "toys")

#: cached properties of a configuration
_FOUND_OUT = ("reader", "one_sided")


class _Deferring(Declarative):
    """Metaclass that defers errors while an analysis is imported, see :mod:`pocket.configuration.deferred`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        try:
            return super().__call__(*args, **kwargs)
        except PocketError as error:
            return deferred(cls, error)


class Configurator(SampleNames, metaclass=_Deferring):
    """A validated configuration.

    Args:
        parameters: composed parameters (:mod:`pocket.parameters.defaults`).
        datasets: ``{"jsons": […], "filter": {"samples": […], "samples_exclude": […], "year": […]}}``; definition
            files are relative to the project, or else to the working directory. ``"subsamples"`` may be a key, too.
        workflow: class derived from :class:`~pocket.plan.workflow.BaseProcessorABC`.
        skim: cuts on NanoAOD columns, before objects are defined.
        preselections: cuts on objects, for all categories.
        categories: category → list of cuts, or a selection object.
        subsamples: sample → subsample → list of cuts; the sample's templates are split into ``{sample}__{subsample}``,
            which may overlap. Here and in all blocks, samples that the filter excludes may be named and are ignored.
        weights: block of weights (:mod:`pocket.base.sample_blocks`), by name or class.
        variations: ``{"weights": …, "shape": …}``: blocks of the weights and of the calibrators (by name) whose
            variations are stored; ``"correlated"`` may say whether sources are the same in all eras
            (:mod:`pocket.configuration.era_names`).
        variables: histogram name → :class:`~pocket.histograms.config.HistConf`.
        weights_classes: additional weights that may be named; they replace shipped ones of the same name.
        calibrators: calibrators that change objects before the selection, in this order.
        columns: block of :class:`~pocket.columns.config.ColOut` with the columns to export to parquet.
        column_formats: formats in which merged columns are written besides parquet.
        delayed_columns: columns that are computed once per event for all variations.
        workflow_options: free options for the workflow.
        parameters_read: sections of the parameters that code reads without naming them, or iterates over; ``"*"`` for
            all. The processor can read other parameters only if code of the configuration names them.
        save_skimmed_files: option of PocketCoffea, which is refused, because the task ``SkimEvents`` makes skims.
        do_postprocessing: option of PocketCoffea; ``False`` is refused, because merged templates are always normalised.

    Raises:
        ConfigError: for any inconsistency, with its place and the nearest right value.

    Examples:
        >>> from pocket import Axis, BaseProcessorABC, HistConf
        >>> from pocket.cuts import get_nObj_min, passthrough
        >>> from pocket.objects import lepton_selection
        >>> from pocket.parameters import get_default_parameters
        >>> class Muons(BaseProcessorABC):
        ...     def apply_object_preselection(self, variation):
        ...         self.events["MuonGood"] = lepton_selection(self.events, "Muon", self.params)
        ...
        ...     def count_objects(self, variation):
        ...         self.events["nMuonGood"] = self.events.MuonGood.counts
        >>> config = Configurator(
        ...     parameters=get_default_parameters(),
        ...     datasets={"jsons": ["datasets/toys.json"], "filter": {"samples": ["DYJetsToMuMu"], "year": ["toys"]}},
        ...     workflow=Muons,
        ...     skim=[get_nObj_min(1, coll="Muon")],
        ...     preselections=[passthrough],
        ...     categories={"baseline": [passthrough]},
        ...     weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}},
        ...     variables={"pt": HistConf([Axis(coll="MuonGood", field="pt", bins=20, start=0, stop=100)])},
        ... )
        >>> config.variables["pt"].axes[0].name
        'MuonGood_pt'
    """

    #: Whether a dataset of a later definition file replaces one of its name, which is an error otherwise.
    _keeps_last = False

    def __init__(
        self,
        *,
        parameters: DictConfig,
        datasets: Mapping[str, Any],
        workflow: type[BaseProcessorABC],
        variables: Mapping[str, HistConf],
        categories: StandardSelection | Mapping[str, Sequence[Cut]],
        skim: Sequence[Cut] = (),
        preselections: Sequence[Cut] = (),
        subsamples: Mapping[str, StandardSelection | Mapping[str, Sequence[Cut]]] | None = None,
        weights: Mapping[str, Any] | None = None,
        variations: Mapping[str, Any] | None = None,
        weights_classes: Sequence[type[WeightWrapper]] | None = None,
        calibrators: Sequence[type[Calibrator]] | None = None,
        columns: Mapping[str, Any] | None = None,
        column_formats: Sequence[type[ColumnFormat]] = (),
        delayed_columns: Sequence[DelayedColumn] = (),
        workflow_options: Mapping[str, Any] | None = None,
        parameters_read: Sequence[str] = (),
        save_skimmed_files: str | None = None,
        do_postprocessing: bool = True,
    ) -> None:
        if save_skimmed_files is not None:
            raise ConfigError(f"save_skimmed_files={save_skimmed_files!r}: skims are made by the task SkimEvents")
        if not do_postprocessing:
            raise ConfigError("do_postprocessing=False: merged templates are normalised; RunProcessor keeps raw sums")
        if not isinstance(parameters, DictConfig):
            raise ConfigError(f"parameters must be composed parameters (a DictConfig), not {type(parameters).__name__}")
        if not (inspect.isclass(workflow) and issubclass(workflow, BaseProcessorABC)):
            raise ConfigError(f"workflow must be a class derived from BaseProcessorABC, not {workflow!r}")
        #: changes of other modules by the loaded analysis (:mod:`pocket.base.fingerprint.patches`)
        self.patches: Mapping[str, Any] = {}
        self.parameters = with_tags(parameters)
        #: parameters of :meth:`plain_parameters`, if they can't change any more
        self.resolved: dict[str, Any] | None = None
        _check_defined(workflow)
        self.workflow = workflow
        self.workflow_options = dict(workflow_options or {})
        self.parameters_read = tuple(parameters_read)
        check_known("section", parameters_read, (*map(str, parameters), EVERYTHING), "parameters_read")
        self.definition_files, self.dataset_filter = _read_datasets(datasets)
        self.definitions, dropped = _selected_definitions(self.definition_files, self.dataset_filter, self._keeps_last)
        years = {definition.year for definition in self.definitions.values()}
        self.parameters = with_names_of_files(parameters, self.parameters, years)
        self.skim = check_event_cuts(skim, "skim")
        self.preselections = check_event_cuts(preselections, "preselections")
        self.categories = categories if isinstance(categories, StandardSelection) else StandardSelection(categories)
        self.subsamples, dropped = self._read_subsamples(_one_of(subsamples, datasets.get("subsamples")), dropped)
        varied, shaped, self.correlated = check_variations(variations or {})
        names, kinds = self.categories.names, self._sample_kinds()
        own = {getattr(weight, "name", None) for weight in weights_classes or ()}
        known = [*(weight for weight in common_weights if weight.name not in own), *(weights_classes or ())]
        self.weights: WeightPlan = build_plan(weights or {}, varied, known, names, kinds, dropped)
        self._check_weights()
        self.shapes: ShapePlan = build_shape_plan(shaped, calibrators or (), names, kinds, dropped)
        self._check_calibrators()
        self.columns = build_column_plan(columns or {}, names, kinds, dropped)
        self.column_formats = check_formats(column_formats)
        self.delayed_columns = check_delayed_columns(delayed_columns)
        self.variables = dict(variables)
        self._check_variables(dropped)
        check_whole(self)

    def __copy__(self) -> Configurator:
        """Return a copy that may be changed, without the cached properties."""
        other = object.__new__(type(self))
        vars(other).update({name: value for name, value in vars(self).items() if name not in _FOUND_OUT})
        return other

    def with_parameters(self, parameters: DictConfig) -> Configurator:
        """Return the same configuration with other parameters."""
        other = copy.copy(self)
        other.parameters, other.resolved = parameters, None
        return other

    @property
    def samples(self) -> dict[str, bool]:
        """Sample → whether it is simulation, in the order of the definitions."""
        return {definition.sample: definition.is_mc for definition in self.definitions.values()}

    @property
    def simulated_samples(self) -> tuple[str, ...]:
        """Names of simulated samples, or of their subsamples, with templates."""
        return tuple(name for sample, is_mc in self.samples.items() if is_mc for name in self.stored_samples(sample))

    @property
    def scale_factors(self) -> tuple[str, ...]:
        """Names of the derived scale factors that the weights and calibrators apply."""
        of_weights = (name for cls in self.weights.classes.values() for name in cls.scale_factors())
        of_calibrators = (name for cls in self.shapes.calibrators for name in cls.scale_factors())
        return tuple(dict.fromkeys((*of_weights, *of_calibrators)))

    @cached_property
    def one_sided(self) -> dict[str, str]:
        """One-sided variation → mode of its other side (:mod:`pocket.histograms.one_sided`)."""
        return one_sided_variations(self)

    def plan(self) -> ProcessingPlan:
        """Return what the engine knows of the configuration, all values checked and parameters resolved.

        Raises:
            ConfigError: if an interpolation can't be resolved.
        """
        declared = self.declared()
        # The declaration takes as long as the search for the parameters' readers, so both share it.
        if "reader" not in vars(self):
            vars(self)["reader"] = self._processing_reader(declared)
        parameters = visible(self.plain_parameters(), self.reader)
        sections = frozenset(map(str, self.parameters))
        return dataclasses.replace(declared, parameters=parameters, reader=self.reader, sections=sections)

    def declared(self) -> ProcessingPlan:
        """Return the plan without parameters, which take most of its time."""
        return ProcessingPlan(
            workflow=self.workflow,
            workflow_options=self.workflow_options,
            datasets={name: processing_metadata(one.metadata()) for name, one in self.definitions.items()},
            skim=self.skim,
            preselections=self.preselections,
            categories=self.categories,
            subsamples=self.subsamples,
            weights=self.weights,
            shapes=self.shapes,
            variables=self.variables,
            columns=self.columns,
            delayed_columns=self.delayed_columns,
            patches=self.patches,
        )

    def figure_plan(self) -> FigurePlan:
        """Return what plots know of the configuration.

        Raises:
            ConfigError: if an interpolation in the style or the luminosities can't be resolved.
        """
        style, lumi = plain_section(self.parameters, "plotting_style"), plain_section(self.parameters, "lumi") or {}
        picobarns, energies = lumi.get("picobarns") or {}, lumi.get("sqrt_s") or {}
        # The luminosity beside the label is that of the data that are drawn.
        drawn = [one for one in self.definitions.values() if not one.is_mc] or self.definitions.values()
        years = sorted({definition.year for definition in drawn})
        return FigurePlan(
            samples=self.samples,
            subsamples=self.subsamples,
            datasets={name: definition.sample for name, definition in self.definitions.items()},
            categories=self.categories.names,
            variables=self.variables,
            combinations=combinations_of(self.weights.classes.values()),
            years={year: (picobarns.get(year, {}).get("tot"), energies.get(year)) for year in years},
            # Other words are replaced here, so that fingerprints hold what is drawn and not the code that knows them.
            style=dialect().style_in_own_words(style) if isinstance(style, Mapping) else style,
        )

    def plain_parameters(self) -> dict[str, Any]:
        """Return the parameters without what only plots and toys read, see :func:`pocket.parameters.plain.to_plain`."""
        # Parameters may be changed until events are processed, so only parts for fingerprints have them resolved.
        return self.resolved or to_plain(self.parameters, without=NOT_PROCESSED)

    @cached_property
    def reader(self) -> Reader:
        """The names of parameters that code may read when events are processed, from all code in the configuration."""
        return self._processing_reader(self.declared())

    def _processing_reader(self, declared: ProcessingPlan) -> Reader:
        # Factors are only computed when outputs are merged.
        merging = [cls.factor for cls in self.normalisation_weights.values()]
        # Parameters that are only checked when the configuration is built aren't read later.
        checks = [cls.check_parameters for cls in self.weights.classes.values()]
        return self._reader(names_in(declared.spec(), without=[*merging, *checks]))

    @property
    def normalisation_weights(self) -> dict[str, type[NormalisationWeight]]:
        """Name → weight, for the weights that are applied when outputs are merged."""
        classes = self.weights.classes
        return {name: cls for name, cls in classes.items() if issubclass(cls, NormalisationWeight)}

    def merging_plan(self) -> MergingPlan:
        """Return what the merging of outputs knows of the configuration, all values checked and parameters resolved.

        Raises:
            ConfigError: if an interpolation can't be resolved, or a variation is one-sided without a definition of the
                other side.
        """
        parameters, reader = self.plain_parameters(), self._reader(names_in(self.normalisation_weights))
        return MergingPlan(
            datasets={name: one.metadata() for name, one in self.definitions.items()},
            categories=self.categories.names,
            subsamples=self.subsamples,
            variables=self.variables,
            workflow_options=self.workflow_options,
            weights={sample: plan.weights for sample, plan in self.weights.samples.items()},
            factors=self.normalisation_weights,
            dedicated=dedicated_variations(self.definitions),
            one_sided=self.one_sided,
            names=era_names(self),
            column_formats=self.column_formats,
            parameters=visible(parameters, reader),
            guarded=guarded(parameters, reader, known=list(parameters)),
        )

    def _reader(self, names: frozenset[str]) -> Reader:
        years = frozenset(definition.year for definition in self.definitions.values())
        return Reader(names, years, self.parameters_read)

    def _sample_kinds(self) -> dict[str, bool]:
        """Return sample, and ``{sample}__{subsample}`` → whether it is simulation."""
        return {name: is_mc for sample, is_mc in self.samples.items() for name in self.counted_samples(sample)}

    def _read_subsamples(
        self, subsamples: Mapping[str, StandardSelection | Mapping[str, Sequence[Cut]]], dropped: Sequence[str]
    ) -> tuple[dict[str, StandardSelection], tuple[str, ...]]:
        """Return sample → its subsamples, and the samples and subsamples that the filter excludes."""
        check_known("sample", subsamples, (*self.samples, *dropped), "subsamples")
        read = {}
        for sample, subsample in subsamples.items():
            for name in subsample:
                check_file_name("subsample", name, f"subsamples of {sample!r}")
            selection = subsample if isinstance(subsample, StandardSelection) else StandardSelection(subsample)
            if sample in dropped:
                dropped = (*dropped, *(f"{sample}{SUBSAMPLE}{name}" for name in selection.names))
                continue
            read[sample] = selection
            collections = {read[sample].collection, self.categories.collection} - {None}
            if len(collections) > 1:
                raise ConfigError(
                    f"subsamples of {sample!r} select objects of {read[sample].collection!r}, categories objects of "
                    f"{self.categories.collection!r}: they must be of one collection"
                )
        return read, tuple(dropped)

    def _check_weights(self) -> None:
        """Check that the parameters have everything that weights need, once for each year or for each dataset."""
        checked: set[tuple[str, str, str]] = set()
        for name, definition in self.definitions.items():
            applied = [self.weights.samples[counted].names for counted in self.counted_samples(definition.sample)]
            for weight in dict.fromkeys(weight for names in applied for weight in names):
                cls = self.weights.classes[weight]
                # Creating an instance may take long, so this skips weights without checks.
                has_checks = (
                    cls.check_parameters is not WeightWrapper.check_parameters
                    or cls.corrections is not WeightWrapper.corrections
                )
                key = (weight, definition.year, name if cls.differs_by_dataset else "")
                if not has_checks or key in checked:
                    continue
                checked.add(key)
                try:
                    instance = cls(self.parameters, {"dataset": name, **definition.metadata()})
                    instance.check_parameters()
                    check_corrections(instance.corrections())
                except ConfigError as error:
                    self._cannot_process(f"weight {weight!r} of dataset {name!r}: {error}")

    def _check_calibrators(self) -> None:
        """Check that correction files have everything that calibrators read, once for each kind of dataset."""
        checked: set[tuple[str, object, bool, object]] = set()
        for name, definition in self.definitions.items():
            metadata = definition.metadata()
            kind = (definition.year, bool(metadata["isMC"]), metadata.get("era"))
            for cls in self.shapes.calibrators:
                is_applied = metadata["isMC"] or not cls.isMC_only
                if cls.corrections is Calibrator.corrections or not is_applied or (cls.name, *kind) in checked:
                    continue
                checked.add((cls.name, *kind))
                try:
                    check_corrections(cls(self.parameters, metadata, True).corrections())
                except ConfigError as error:
                    self._cannot_process(f"calibrator {cls.name!r} of dataset {name!r}: {error}")

    def own_skim(self, name: str) -> Skim | None:
        """Return the skim that is all the configuration makes, ``None`` as a rule, since it fills templates.

        Args:
            name: name of the configuration.
        """
        return None

    def _cannot_process(self, reason: str) -> None:
        """Refuse the configuration, because a dataset can't be processed."""
        raise ConfigError(reason) from None

    def _check_variables(self, dropped: Sequence[str]) -> None:
        if not (self.variables or any(any(by_category.values()) for by_category in self.columns.values())):
            raise ConfigError("variables: at least one histogram is needed, or columns to export")
        kinds = self._sample_kinds()
        known = {"category": ("categories", self.categories.names), "sample": ("samples", (*kinds, *dropped))}
        variations = set(stored_variations(self))
        for name, conf in self.variables.items():
            if not isinstance(conf, HistConf):
                raise ConfigError(f"variables.{name} must be a HistConf, not {conf!r}")
            check_file_name("histogram", name, "variables")
            for kind, (plural, names) in known.items():
                for option in (f"only_{plural}", f"exclude_{plural}"):
                    check_known(kind, getattr(conf, option) or (), names, f"{option} of histogram {name!r}")
            wanted = conf.only_variations if conf.only_variations and None not in variations else ()
            check_known("variation", wanted, variations, f"only_variations of histogram {name!r}")


def _check_defined(workflow: type[BaseProcessorABC]) -> None:
    """Check that a workflow defines all required methods."""
    if missing := sorted(getattr(workflow, "__abstractmethods__", ())):
        place = defined_at(workflow)
        close = nearest(missing[0], [name for name in dir(workflow) if not hasattr(BaseProcessorABC, name)])
        hint = f"; is its method {' or '.join(map(repr, close))} misspelt?" if close else ""
        raise ConfigError(
            f"workflow {workflow.__name__}{f' ({place})' if place else ''} doesn't define {' and '.join(missing)}{hint}"
        )


def _read_datasets(datasets: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    check_known("key", datasets, ("jsons", "filter", "subsamples"), "datasets")
    jsons = datasets.get("jsons", ())
    if isinstance(jsons, str) or not jsons:
        raise ConfigError(f"datasets.jsons must be a list of dataset definition files, not {jsons!r}")
    chosen = datasets.get("filter", {})
    check_known("key", chosen, ("samples", "samples_exclude", "year"), "datasets.filter")
    for key, values in chosen.items():
        if isinstance(values, str):
            raise ConfigError(f"datasets.filter.{key} must be a list, not {values!r}")
    return tuple(map(definition_file, jsons)), {key: tuple(map(str, values)) for key, values in chosen.items()}


def _one_of(subsamples: Mapping[str, Any] | None, in_datasets: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if subsamples is not None and in_datasets is not None:
        raise ConfigError("subsamples are given twice, by subsamples= and in datasets: keep one of them")
    return subsamples or in_datasets or {}


def _selected_definitions(
    files: Sequence[str], chosen: Mapping[str, Sequence[str]], keep_last: bool
) -> tuple[dict[str, DatasetDefinition], tuple[str, ...]]:
    """Return the datasets that pass the filter, and the samples without any such dataset."""
    # Datasets of one name may be in several files, if the filter leaves one of them.
    definitions: dict[str, DatasetDefinition] = {}
    for definition in read_all_definitions(map(find_file, files)):
        name = definition.name
        definitions[f"{name} in {definition.origin}" if name in definitions else name] = definition
    bare = {name: DatasetInfo(metadata=definition.metadata(), files={}) for name, definition in definitions.items()}
    names = {name: names_of(definition) for name, definition in definitions.items()}
    chosen_names = select_datasets(bare, chosen, names)
    selected = by_name((definitions[name] for name in chosen_names), keep_last)
    varied_datasets(selected)
    kinds: dict[str, DatasetDefinition] = {}
    for definition in selected.values():
        definition.check_complete()
        definition.check_xsec()
        if kinds.setdefault(definition.sample, definition).is_mc != definition.is_mc:
            raise ConfigError(f"sample {definition.sample!r} is both data and simulation: {definition.where}")
    dropped = dict.fromkeys(definition.sample for definition in definitions.values() if definition.sample not in kinds)
    return selected, tuple(dropped)
