from __future__ import annotations

from pocket.cuts.absent import note_absent, noting_absent


def test_names_belong_to_the_innermost_block() -> None:
    note_absent("HLT_nobody_asks")
    with noting_absent() as outer:
        note_absent("HLT_first")
        with noting_absent() as inner:
            note_absent("HLT_second")
        note_absent("HLT_first")
    assert (outer, inner) == ({"HLT_first"}, {"HLT_second"})
