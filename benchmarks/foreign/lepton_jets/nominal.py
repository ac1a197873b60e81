"""Lepton + jets of 2022 without shape variations."""

from lepton_jets import configure

cfg = configure(shapes=False)
