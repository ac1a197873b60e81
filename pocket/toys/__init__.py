"""Toy NanoAOD with a known truth: Drell-Yan, top pairs, W+jets and pseudo-data.

Nothing is imported here: the size of a sample (:mod:`pocket.toys.plan`) must be known without awkward or uproot.
"""
