"""The shipped analyses, one package each."""
