"""The mutation table: edits of a small analysis, and the tasks that each makes run again."""
