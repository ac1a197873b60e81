"""The bare read, in which uproot reads the columns that the physics needs, without using them."""

import uproot
from branches import BRANCHES
from serving import serve


def prepare(request):
    """Return the pass over the files; there are no templates."""
    ((_, dataset),) = request["fileset"].items()
    names = BRANCHES[request["config"]]

    def read(size):
        for path, info in dataset["files"].items():
            with uproot.open(path) as file:
                tree = file["Events"]
                for start in range(0, min(size, info["num_entries"]), request["chunk_size"]):
                    stop = min(start + request["chunk_size"], size, info["num_entries"])
                    tree.arrays(names, entry_start=start, entry_stop=stop)

    read(request["warm_up"])
    return lambda: read(request["events"]), lambda: None


if __name__ == "__main__":
    serve(prepare)
