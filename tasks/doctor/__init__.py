"""What may be wrong before anything runs: small checks, each with its result and what to do."""
