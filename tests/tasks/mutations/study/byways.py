"""Cuts whose threshold comes on byways: by threads, sizes of files, libraries and what is known of functions."""

from __future__ import annotations

import colorsys
import contextvars
import ctypes
import os
import string
import threading
import typing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awkward as ak
import pyarrow
import pyarrow.csv
import pyarrow.json
from coffea.nanoevents.methods import nanoaod
from omegaconf import OmegaConf

from pocket.cuts.cut import Cut

localdir = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  the commonest way


def by_thread(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a thread reads."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(int(Path(localdir, "by_thread.txt").read_text())))
    thread.start()
    thread.join()
    return events.PV.npvsGood > found[0]


def by_pool(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a function of a library reads in a thread of a pool."""
    with ThreadPoolExecutor(1) as pool:
        (least,) = pool.map(Path.read_text, [Path(localdir, "by_pool.txt")])
    return events.PV.npvsGood > int(least)


def by_data_named_py(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a file that is named like a module."""
    return events.PV.npvsGood > int(Path(localdir, "number" + ".py").read_text())


def by_data_named_so(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a file that is named like a library."""
    return events.PV.npvsGood > int(Path(localdir, "number" + ".so").read_text())


def by_shared_memory(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a file that is in memory."""
    return events.PV.npvsGood > int(Path(os.environ["STUDY_SHARED"]).read_text())


def by_arrow_csv(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a table."""
    return events.PV.npvsGood > pyarrow.csv.read_csv(f"{localdir}/least.csv")["least"][0].as_py()


def by_arrow_json(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in lines of JSON."""
    return events.PV.npvsGood > pyarrow.json.read_json(f"{localdir}/least.jsonl")["least"][0].as_py()


def by_memory_map(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number in a file that is mapped."""
    with pyarrow.memory_map(f"{localdir}/mapped.bin") as file:
        return events.PV.npvsGood > file.read()[0]


def by_ctypes(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number, beside a library in C."""
    return events.PV.npvsGood > (3 if ctypes.CDLL(f"{localdir}/library.so") else 0)


def by_size(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the size of a file."""
    return events.PV.npvsGood > os.path.getsize(f"{localdir}/sized.bin")  # noqa: PTH202


def by_stat(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with the size of a file that a path names."""
    return events.PV.npvsGood > Path(localdir, "stated.bin").stat().st_size


def by_existence(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a number that depends on whether there is a file."""
    return events.PV.npvsGood > (4 if Path(localdir, "exists.txt").exists() else 3)


LEAST_IN_CONTEXT = contextvars.ContextVar("least", default=3)


def by_context(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the context."""
    return events.PV.npvsGood > LEAST_IN_CONTEXT.get()


def by_environb(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment, in bytes."""
    return events.PV.npvsGood > int(os.environb[b"STUDY_" + b"BYTES"])


def by_template(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment, which a template names."""
    return events.PV.npvsGood > int(string.Template("$STUDY_TEMPLATE").substitute(os.environ))


def by_oc_env(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with a variable of the environment, which OmegaConf looks up."""
    return events.PV.npvsGood > int(OmegaConf.create({"least": "${oc.env:STUDY_OMEGACONF}"}).least)


def least_of_resolver() -> int:
    """Return the threshold."""
    return 3


OmegaConf.register_resolver("least_of_study", lambda: least_of_resolver(), replace=True)


def by_resolver(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a resolver of OmegaConf returns."""
    return events.PV.npvsGood > OmegaConf.create({"least": "${least_of_study:}"}).least


class Plugin:
    """Base class of what is registered."""


class FirstPlugin(Plugin):
    """Is found by its base class alone."""

    least = 3


def by_subclasses(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an attribute of a class that its base class finds."""
    return events.PV.npvsGood > Plugin.__subclasses__()[0].least


def annotated(least: typing.Literal[3]) -> None:
    """Has its threshold in an annotation."""


def by_annotation(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with an annotation of a function."""
    return events.PV.npvsGood > typing.get_type_hints(annotated)["least"].__args__[0]


def least_of_hardness(self: Any) -> Any:
    """Return whether a muon is hard."""
    return self.pt > 30


def least_of_softness(self: Any) -> Any:
    """Return whether a muon is soft."""
    return self.pt < 30


nanoaod.Muon.is_hard_in_study = property(least_of_hardness)
setattr(nanoaod.Muon, "is_soft_in_study", property(least_of_softness))  # noqa: B010


def by_property(events: Any, params: Any, **kwargs: Any) -> Any:
    """Ask a property that the analysis gives muons."""
    return ak.any(events.Muon.is_hard_in_study, axis=1) | ak.any(events.Muon.is_soft_in_study, axis=1)


def least_of_colours(*args: float) -> int:
    """Return the threshold."""
    return 3


colorsys.hls_to_rgb = least_of_colours  # type: ignore[assignment]
colorsys.ONE_SIXTH = 3


def by_replaced(events: Any, params: Any, **kwargs: Any) -> Any:
    """Compare with what a function of a library returns that the analysis replaces, and with a value."""
    return events.PV.npvsGood > max(colorsys.hls_to_rgb(0, 0, 0), colorsys.ONE_SIXTH)  # type: ignore[type-var]


cuts = [
    Cut(name=function.__name__, params={}, function=function)
    for function in (
        by_thread,
        by_pool,
        by_data_named_py,
        by_data_named_so,
        by_shared_memory,
        by_arrow_csv,
        by_arrow_json,
        by_memory_map,
        by_ctypes,
        by_size,
        by_stat,
        by_existence,
        by_context,
        by_environb,
        by_template,
        by_oc_env,
        by_resolver,
        by_subclasses,
        by_annotation,
        by_property,
        by_replaced,
    )
]
