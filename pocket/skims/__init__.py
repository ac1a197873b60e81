"""Skims: selected events as NanoAOD again, to be processed as the dataset they come from."""

from __future__ import annotations

from pocket.skims.skim import Skim

__all__ = ["Skim"]
