from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.settings.batch_systems import load_batch_systems
from tasks.settings.sites import Site, placement_problems

load_batch_systems()
LXPLUS = Site("lxplus", not_from=("/eos/",), not_shared=("/tmp/",))
UNSEEN = "other machines of site 'lxplus' don't see"
CHECKOUT = f"{UNSEEN} the checkout /tmp/me: move it, or let jobs bring a copy with --environment bundle"
STORE = f"{UNSEEN} the store /tmp/me/store: set POCKET_STORE to a file system that they see"
LOGS = (
    "site 'lxplus' takes no submission from the logs and job files in the store /eos/me: "
    "set log_directory in [site_lxplus] of law.cfg"
)
OTHER_LOGS = f"{UNSEEN} the logs /tmp/me/logs: set log_directory in [site_lxplus] of law.cfg to another folder"


@pytest.mark.parametrize(
    ("checkout", "store", "options", "problems"),
    [
        ("/afs/me", "/afs/me/store", {}, []),
        ("/afs/me", "/eos/me", {"log_directory": "/afs/me/logs"}, []),
        ("/afs/me", "/eos/me", {}, [LOGS]),
        ("/afs/me", "/eos/me", {"log_directory": "/tmp/me/logs"}, [OTHER_LOGS]),
        # from /tmp, step by step
        ("/tmp/me", "/tmp/me/store", {}, [CHECKOUT, STORE]),
        ("/tmp/me", "/tmp/me/store", {"log_directory": "/afs/me/logs"}, [CHECKOUT, STORE]),
        ("/tmp/me", "/eos/me", {"log_directory": "/afs/me/logs"}, [CHECKOUT]),
        ("/tmp/me", "/eos/me", {"log_directory": "/afs/me/logs", "environment": "bundle"}, []),
        ("/tmp/me", "/eos/me", {"environment": "bundle"}, [LOGS]),
    ],
)
def test_each_folder_has_its_remedy(checkout: str, store: str, options: dict[str, str], problems: list[str]) -> None:
    assert placement_problems(replace(LXPLUS, **options), "htcondor", Path(checkout), Path(store)) == problems


def test_slurm_has_no_bundles() -> None:
    (problem,) = placement_problems(LXPLUS, "slurm", Path("/tmp/me"), Path("/afs/me"))
    assert problem == f"{UNSEEN} the checkout /tmp/me: move it"


def test_sites_that_take_one_place_only() -> None:
    site = Site("lxplus-eos", submit_from="/eos/")
    of_checkout, of_logs = placement_problems(site, "htcondor", Path("/afs/me"), Path("/afs/me/store"))
    assert of_checkout.startswith("site 'lxplus-eos' takes no submission from the checkout /afs/me, only from /eos/: ")
    assert "from the logs and job files in the store /afs/me/store, only from /eos/: set log_directory" in of_logs


def test_jobs_with_their_own_store() -> None:
    site = replace(LXPLUS, store="remote", environment="bundle", log_directory="/afs/me/logs")
    assert placement_problems(site, "htcondor", Path("/tmp/me"), Path("/tmp/me/store")) == []
