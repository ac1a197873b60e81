"""Input and output: NanoAOD, files on servers, and the store.

>>> import tempfile
>>> import uproot
>>> from pocket.io import open_root
>>> with tempfile.TemporaryDirectory() as folder:
...     with uproot.recreate(f"{folder}/new.root") as file:
...         _ = file.mktree("Events", {"run": "int32"})
...     with open_root(f"{folder}/new.root") as file:
...         file["Events"].num_entries
0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
