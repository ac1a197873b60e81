"""The study is no module of tests: its files are written where it is copied to."""

collect_ignore = ["study"]
