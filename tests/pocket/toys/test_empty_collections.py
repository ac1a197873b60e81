from __future__ import annotations

import awkward as ak
import pytest
from coffea.nanoevents import NanoAODSchema

from pocket.toys.event_content import empty_collections


def test_nothing_in_them():
    for collection in empty_collections(5, is_data=False).values():
        assert ak.num(collection).tolist() == [0] * 5
        assert {"pt", "eta", "phi"} <= set(collection.fields)


@pytest.mark.parametrize("process", ["dy", "data"])
def test_all_cross_references_of_the_schema_exist(toys, process):
    events = toys[process]
    for branch, target in NanoAODSchema.all_cross_references.items():
        collection, _, field = branch.partition("_")
        if process == "data" and target.startswith("Gen"):
            continue
        assert field in events[collection].fields
        assert target in events
