"""Corrections in correctionlib files: loading, evaluation for the objects of events, and bins that are kept."""
