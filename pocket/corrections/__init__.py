"""Corrections in correctionlib files: loading, evaluation for the objects of events, and cached bins."""
