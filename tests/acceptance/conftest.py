"""The analysis is no module of tests: it is copied to where its definitions are."""

collect_ignore = ["challenge"]
