"""Steps of PocketCoffea's workflows that nothing here calls."""

from __future__ import annotations

from collections.abc import Mapping

#: Entry point or step → replacement.
NOT_CALLED: Mapping[str, str] = {
    "skim_events": "skim of the configuration",
    "apply_preselections": "preselections of the configuration",
    "get_preselection_mask": "preselections of the configuration",
    "define_categories": "categories of the configuration",
    "define_weights": "weights of the configuration",
    "compute_weights": "weights of the configuration",
    "compute_weights_extra": "a weight class in weights_classes",
    "define_custom_axes_extra": "an axis with coll='metadata' or coll='custom'",
    "define_histograms": "variables of the configuration",
    "define_histograms_extra": "process_extra_after_presel, which may fill custom_histogram_fields",
    "fill_histograms": "variables of the configuration, and for other weights in some a category that only they have",
    "fill_histograms_extra": "variables of the configuration",
    "define_column_accumulators": "columns of the configuration",
    "define_column_accumulators_extra": "columns of the configuration",
    "fill_column_accumulators": "columns of the configuration",
    "fill_column_accumulators_extra": "columns of the configuration",
    "initialize_calibrators": "calibrators of the configuration",
    "count_events": "the cutflow",
    "load_metadata": "load_metadata_extra",
    "loop_over_variations": "variations of the configuration",
    "export_skimmed_chunk": "the task SkimEvents",
    "save_processing_metadata": "the task RunProcessor, which records times",
    "rescale_sumgenweights": "the task MergeOutputs, which normalises",
    "process": "the entry points",
    "postprocess": "the merged templates",
}
