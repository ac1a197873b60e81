"""Batch jobs and the remote store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.services.checkout import Analysis, submitted
from tests.services.test_remote_store import files_in
from tests.services.xrootd_servers import ControlledServer

pytestmark = [pytest.mark.htcondor, pytest.mark.xrootd, pytest.mark.usefixtures("htcondor_pool")]


@pytest.mark.slow
def test_jobs_inherit_it(
    analysis: Analysis, make_xrootd_server: Callable[..., ControlledServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_xrootd_server(access="r/w")
    monkeypatch.setenv("POCKET_REMOTE_STORE", f"{server.url}/results")
    run = analysis.run("RunProcessor", "--workflow", "htcondor", "--poll-interval", "0.05")
    assert run.code == 0, run.text
    (jobs,) = submitted(run.text)
    copied = files_in(server.store / "results" / "small" / "RunProcessor")
    assert len([name for name in copied if name.endswith(".zip")]) == jobs > 1
    assert files_in(analysis.checkout.store / "small" / "RunProcessor") == copied
