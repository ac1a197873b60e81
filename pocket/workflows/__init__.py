"""Workflows: the entry points where an analysis adds its own code."""

from pocket.workflows.base import BaseProcessorABC

__all__ = ["BaseProcessorABC"]
