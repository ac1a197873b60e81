from __future__ import annotations

import numpy as np
import pytest
import uproot

from tests.services.conftest import XRootDServer


@pytest.mark.xrootd
def test_remote_file_is_read(xrootd_server: XRootDServer) -> None:
    pt = np.arange(1000, dtype=np.float32)
    with uproot.recreate(xrootd_server.store / "events.root") as file:
        file["Events"] = {"pt": pt}
    with uproot.open(f"{xrootd_server.url}/events.root") as file:
        np.testing.assert_array_equal(file["Events/pt"].array(library="np"), pt)
