"""A soak: thousands of real jobs of HTCondor, some of which fail, and a submitter that is killed meanwhile."""
