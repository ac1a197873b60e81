"""A few rounds of edits at random moments; ``python -m tests.tasks.mutations.random_edits --rounds 50`` tries more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tasks.mutations.random_edits import EDITS, Laboratory, Round

pytestmark = pytest.mark.slow

#: an edit of parameters, of a correction, of code
SEEDS = (2, 8, 14)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.make() as laboratory:
        yield laboratory


def test_rounds_follow_from_the_seed() -> None:
    rounds = [Round.of(seed) for seed in range(200)]
    assert rounds == [Round.of(seed) for seed in range(200)]
    assert {(tried.config, tried.name) for tried in rounds} == {
        (config, name) for config in EDITS for name in EDITS[config]
    }
    assert {tried.cores for tried in rounds} == {1, 2}
    assert len({tried.moment for tried in rounds}) > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_an_edit_while_a_chain_runs_leaves_nothing_stale(laboratory: Laboratory, seed: int) -> None:
    assert laboratory.try_out(Round.of(seed)) == []
