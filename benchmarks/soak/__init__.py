"""Soak tests with thousands of real HTCondor jobs, some of which fail, and a submitter that is killed."""
