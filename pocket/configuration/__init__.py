"""Declarations of an analysis: configurations, workflows, skims and comparisons; and the search for an analysis."""
