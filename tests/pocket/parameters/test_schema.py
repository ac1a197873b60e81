from __future__ import annotations

import pytest

from pocket.parameters.schema import NUMBER, SWITCH


@pytest.mark.parametrize(("value", "number", "switch"), [(1, True, False), (0.5, True, False), (True, False, True)])
def test_a_switch_is_no_number(value: object, number: bool, switch: bool) -> None:
    assert (NUMBER.has(value), SWITCH.has(value)) == (number, switch)
