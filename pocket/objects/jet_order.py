"""Order of jets in the file, which links from other collections refer to."""

from __future__ import annotations

import awkward as ak

#: Field of sorted jets: the position of each in the file.
ORIGINAL_POSITION = "pocket_sortidx"


def jets_in_original_order(jets: ak.Array, sortidx_field: str = ORIGINAL_POSITION) -> ak.Array:
    """Return jets in their order in the file, if they have been sorted by their calibrated pt.

    ``Muon.jetIdx`` and ``Electron.jetIdx`` are positions in the file, but :class:`~pocket.calibrators.JetsCalibrator`
    sorts the jets.

    Args:
        jets: all jets of a collection, jagged records.
        sortidx_field: field with the position of each jet in the file; jets without it are returned as they are.

    Returns:
        The same jets, shape (n events, n jets).

    Examples:
        >>> import awkward as ak
        >>> jets = ak.Array([[{"pt": 50.0, "pocket_sortidx": 1}, {"pt": 40.0, "pocket_sortidx": 0}]])
        >>> jets_in_original_order(jets).pt.to_list()
        [[40.0, 50.0]]
    """
    return jets[ak.argsort(jets[sortidx_field], axis=1)] if sortidx_field in jets.fields else jets
