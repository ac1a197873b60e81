"""Tag and probe: efficiencies from the dilepton mass of passing and failing pairs."""
