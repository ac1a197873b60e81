"""Foundations that know nothing of an analysis: arrays, fingerprints, snapshots of the code, and the process."""
