"""Lepton + jets of 2022 with 28 shape variations: up and down of 13 sources of the jets' energy scale, and of JER."""

from lepton_jets import configure

cfg = configure(shapes=True)
