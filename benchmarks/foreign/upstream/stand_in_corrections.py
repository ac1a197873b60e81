"""Correction files with the names that PocketCoffea's parameters ask for, from those of other versions.

``python stand_in_corrections.py CORRECTIONS OUTPUT`` copies the files of jets, and adds each missing correction as a
copy of the same one with another version number, or else of that of another year. It runs in PocketCoffea's
environment, whose parameters it reads.
"""

import copy
import gzip
import json
import re
import shutil
import sys
from pathlib import Path

from try_configuration import use_files

#: Version of a set of corrections in a name, such as V5 or JRV2, and its run period.
VERSION, PERIOD = re.compile(r"(?<=V)\d+(?=_(MC|DATA)_)"), re.compile(r"_Run[^_]+")


def main(corrections, output):
    """Write the files."""
    source, target = Path(corrections), Path(output)
    shutil.copytree(source, target, dirs_exist_ok=True)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    needed = {path: sorted(names) for path, names in sorted(wanted(target).items())}
    contents = {path: json.loads(gzip.decompress(Path(path).read_bytes())) for path in needed}
    for path, names in needed.items():
        content = contents[path]
        add_of_other_years(content, add(content, names), contents.values())
        missing = add(content, names)
        Path(path).write_bytes(gzip.compress(json.dumps(content).encode(), 1))
        print(path, len(names), "wanted", "; without any like it:" if missing else "", *missing)


def wanted(folder):
    """Return file → names of the corrections that the default parameters ask for, of files that exist."""
    from pocket_coffea.parameters import defaults

    use_files({"corrections": str(folder)})
    parameters = defaults.get_default_parameters().jets_calibration
    names = {}
    for jet_type, years in parameters.jet_types.items():
        for year, one in years.items():
            if not Path(one.json_path).exists():
                continue
            data = [one.jec_data] if isinstance(one.jec_data, str) else one.jec_data.values()
            mine = names.setdefault(str(one.json_path), set())
            mine.update(f"{scale}_{one.level}_{jet_type}" for scale in (one.jec_mc, *data))
            mine.update(f"{one.jer}_{kind}_{jet_type}" for kind in ("PtResolution", "ScaleFactor", "SFUncertainty"))
            shifts = parameters.variations.get(jet_type, {}).get(year, [])
            mine.update(f"{one.jec_mc}_{shift[4:]}_{jet_type}" for shift in shifts if shift.startswith("JES_"))
    return names


def add(content, names):
    """Add corrections by name, and return the names that have no counterpart."""
    lists = {"corrections": content["corrections"], "compound": content.get("compound_corrections") or []}
    missing = []
    for name in [*names, *own_names(lists, names)]:
        kind, like = counterpart(lists, name)
        if like is None and "_SFUncertainty_" in name:
            kind, like = "corrections", uncertainty(counterpart(lists, name.replace("SFUncertainty", "ScaleFactor"))[1])
        if like is None:
            missing.append(name)
            continue
        made = copy.deepcopy(like)
        if "_ScaleFactor_" in name:
            made["data"] = without_systematic(made["data"])
            made["inputs"] = [each for each in made["inputs"] if each["name"] != "systematic"]
        made["name"] = name
        lists[kind][:] = [each for each in lists[kind] if each["name"] != name]
        lists[kind].append(made)
    content["compound_corrections"] = lists["compound"] or None
    return missing


def add_of_other_years(content, names, contents):
    """Add corrections that other files have: that of the first one under the versions of all of them."""
    found = {name: [] for name in names}
    for name in names:
        campaign = name.partition("_")[0]
        for each in (each for other in contents for each in other["corrections"]):
            same = f"{campaign}_{each['name'].partition('_')[2]}"
            if VERSION.sub("", same) == VERSION.sub("", name):
                found[name].append((VERSION.search(same)[0], each))
    versions = {version for likes in found.values() for version, _ in likes}
    for name, likes in found.items():
        if likes:
            content["corrections"] += [{**likes[0][1], "name": VERSION.sub(one, name)} for one in sorted(versions)]


def own_names(lists, names):
    """Return the names of the versions that are there, whose uncertainties get the same form as the missing ones."""
    found = []
    for name in names:
        if "_ScaleFactor_" in name and (like := counterpart(lists, name)[1]):
            found += [like["name"], like["name"].replace("ScaleFactor", "SFUncertainty")]
    return found


def counterpart(lists, name):
    """Return the kind and the correction with a name, or else with the name in another version."""
    for same in (str, lambda text: VERSION.sub("", text), lambda text: PERIOD.sub("", VERSION.sub("", text))):
        for kind, corrections in lists.items():
            for each in corrections:
                if same(each["name"]) == same(name):
                    return kind, each
    return "", None


def uncertainty(scale_factor):
    """Return a relative uncertainty of 5 percent, with the inputs of a scale factor."""
    if scale_factor is None:
        return None
    inputs = [each for each in scale_factor["inputs"] if each["name"] != "systematic"]
    return {**scale_factor, "inputs": inputs, "data": 0.05}


def without_systematic(node):
    """Return a node of a correction for the nominal value of the input ``systematic``."""
    if not isinstance(node, dict):
        return node
    if node.get("input") == "systematic":
        return without_systematic(next(each["value"] for each in node["content"] if each["key"] in ("nom", "nominal")))
    if node.get("nodetype") == "category":
        content = [{**each, "value": without_systematic(each["value"])} for each in node["content"]]
        return {**node, "content": content}
    if "content" in node and isinstance(node["content"], list):
        return {**node, "content": [without_systematic(each) for each in node["content"]]}
    return node


if __name__ == "__main__":
    main(*sys.argv[1:])
