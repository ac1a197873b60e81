"""A store, an analysis and a checkout whose names mean something to shells, and to batch systems."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.services.checkout import Checkout, copy_analysis, copy_project, make_folder, same

pytestmark = pytest.mark.slow

#: what any shell reads; batch systems can be told the first only
NAMES = {"htcondor": "a b;c&d|`id`'#1'50%(e)*", "slurm": "a=b@c~d+e"}
QUICK = ("--poll-interval", "0.2s", "--retry-delay", "0.5")


@pytest.fixture(
    params=[pytest.param("htcondor", marks=pytest.mark.htcondor), pytest.param("slurm", marks=pytest.mark.slurm)]
)
def batch(request: pytest.FixtureRequest) -> str:
    """A batch system that runs."""
    request.getfixturevalue({"htcondor": "htcondor_pool", "slurm": "slurm_cluster"}[request.param])
    return str(request.param)


def test_same_templates(checkout: Checkout, expected: dict[str, np.ndarray], batch: str) -> None:
    folder = make_folder(checkout.user, checkout.user.folder / "hostile" / batch)
    here = copy_project(checkout.user, folder / '$(id) "it\'s" `id`', like=checkout)
    here = dataclasses.replace(here, store=folder / NAMES[batch])
    analysis = copy_analysis(here, here.folder.with_name("analyses $HOME"))
    run = analysis.run("MergeOutputs", "--workflow", batch, *QUICK)
    assert run.code == 0, run.errors
    assert same(analysis.templates(), expected)


def test_a_store_that_can_not_be_told_is_refused(checkout: Checkout, batch: str) -> None:
    """tests/tasks/settings/test_sites.py has more names."""
    name = {"htcondor": 'the "store"', "slurm": "a,b"}[batch]
    folder = make_folder(checkout.user, checkout.user.folder / "refused")
    here = dataclasses.replace(checkout, store=folder / name)
    run = copy_analysis(here).run("MergeOutputs", "--workflow", batch)
    assert run.code != 0
    (sentence,) = run.errors
    assert str(here.store) in sentence
    assert "set POCKET_STORE" in sentence
    assert not here.store.exists()
