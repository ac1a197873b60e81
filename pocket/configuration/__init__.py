"""Declarations of an analysis (configurations, workflows, skims, comparisons), and the search for an analysis."""
