"""Dimuon spectra of ``analysis.zmumu`` without the categories in which scale factors are measured.

It is a module of its own, so that a command with this configuration doesn't import the others.
"""

from __future__ import annotations

from analysis.zmumu import config as zmumu

spectra = zmumu.spectra(
    zmumu.parameters,
    zmumu.toys,
    zmumu.skim,
    {"common": {"inclusive": zmumu.simulation_weights}},
    {"common": {"inclusive": ["pileup"]}},
)
