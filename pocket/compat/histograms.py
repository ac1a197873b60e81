"""PocketCoffea's histograms of the processing itself.

Here the manifest of each output has the number of events and the time of every branch, so there is nothing to fill.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pocket.histograms.config import HistConf

_log = logging.getLogger(__name__)


def processing_metadata_hists(only_cats: Sequence[str] | None = None, chunk_size: int = 100000) -> dict[str, HistConf]:
    """Return no histograms, with a note where the numbers are.

    Args:
        only_cats: accepted; the categories that PocketCoffea fills them in.
        chunk_size: accepted; the range of their axis.

    Examples:
        >>> processing_metadata_hists()
        {}
    """
    _log.warning("processing_metadata_hists: events and times are in the manifest of RunProcessor, not in histograms")
    return {}
