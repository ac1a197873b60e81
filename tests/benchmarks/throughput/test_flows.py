from __future__ import annotations

import pytest

from benchmarks.throughput.flows import FLOWS, find
from benchmarks.throughput.grown import GROWN, some_categories, some_histograms, some_weights
from pocket.calibrators.base import NOMINAL
from pocket.engine.layout import dataset_layout
from pocket.errors import ConfigError, UnknownNameError


def test_sizes_are_those_of_the_names() -> None:
    config = FLOWS["ttbar_large"].configuration()
    (definition,) = config.definitions.values()
    metadata = {**definition.metadata(), "dataset": "tt"}
    layout = dataset_layout(config.plan(), config.parameters, metadata)
    assert len(layout.stored) == 3
    assert len(config.categories.names) == 14
    assert len(config.variables) == 5
    assert {len(stored.weights) for stored in layout.stored_variations.values()} == {15}
    assert layout.processed == (NOMINAL,)


def test_process_of_a_flow_is_its_only_dataset() -> None:
    for flow in FLOWS.values():
        (definition,) = flow.configuration().definitions.values()
        assert definition.values == (flow.process,)


def test_grown_flows_have_what_they_say() -> None:
    assert len(find("histograms:25").configuration().variables) == 25
    assert len(find("categories:16").configuration().categories.names) == 16
    config = find("variations:31").configuration()
    (definition,) = config.definitions.values()
    layout = dataset_layout(config.plan(), config.parameters, {**definition.metadata(), "dataset": "tt"})
    assert {len(stored.weights) for stored in layout.stored_variations.values()} == {31}


def test_largest_grown_flows_are_possible() -> None:
    assert len(some_weights(max(GROWN["variations"]))) == 60
    assert len(some_categories(max(GROWN["categories"]))) == 64
    assert len(some_histograms(max(GROWN["histograms"]))) == 100
    with pytest.raises(ConfigError, match="odd number, not 8"):
        some_weights(8)


def test_unknown_names_are_errors() -> None:
    with pytest.raises(UnknownNameError, match="ttbar_large"):
        find("ttbar_lage")
    with pytest.raises(UnknownNameError, match="categories"):
        find("category:3")
