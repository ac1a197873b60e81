"""Generation of the events of one toy file."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.toys import event_content
from pocket.toys.config import ELECTRON_PROCESSES, MIXTURES, DrellYan, TopPairs, ToyConfig
from pocket.toys.electron_probes import reconstruct_probes
from pocket.toys.event_content import empty_collections
from pocket.toys.gen_record import GenRecord
from pocket.toys.hard_process import ELECTRON, MUON, add_drell_yan, add_top_pairs, add_w_jets
from pocket.toys.jets import generated_jets, reconstruct_jets
from pocket.toys.leptons import reconstruct_electrons, reconstruct_muons, trigger_objects
from pocket.toys.links import link_leptons_and_jets
from pocket.toys.plan import check_process, random_generator
from pocket.toys.precision import stored
from pocket.toys.radiation import add_nonprompt_muons
from pocket.toys.tables import Columns, Table, local_index, offsets
from pocket.toys.vertices import reconstruct_vertices

#: working columns that aren't written
_INTERNAL = ("handle", "mother", "gen", "origin", "prompt", "fired")
#: columns of reconstructed objects that only simulation has
_TRUTH = ("genPartIdx", "genPartFlav", "genJetIdx", "hadronFlavour", "partonFlavour")


def generate(process: str, n_events: int, config: ToyConfig, *, part: int) -> dict[str, npt.NDArray[Any] | ak.Array]:
    """Return the events of one file; (seed, process, part, n_events) determine them.

    Flat columns (``"MET_pt"``) are NumPy arrays, collections (``"Muon"``) jagged arrays of records with fields ``pt``
    etc. Names and types are those of ``config.nano_version``. There must be an event.
    """
    check_process(process)
    is_data = process in MIXTURES
    rng = random_generator(process, part, config)
    truth, detector = config.truth, config.detector
    first_event = part * config.events_per_file + 1
    branches = event_content.identifiers(rng, n_events, first_event, config.data if is_data else None)

    gen = _particles(rng, process, n_events, config)
    gen_jets = generated_jets(rng, gen, n_events)
    mean_pileup, n_pileup = event_content.draw_pileup(rng, n_events, truth.pileup, is_data)
    muons = reconstruct_muons(rng, gen, detector, truth, is_data)
    if config.electrons and process in ELECTRON_PROCESSES:
        electrons = reconstruct_probes(rng, gen, gen_jets, detector, config.electrons, process)
    else:
        electrons = reconstruct_electrons(rng, gen, gen_jets, detector)
    jets = reconstruct_jets(rng, gen_jets, muons, electrons, n_pileup, detector.jet, truth, is_data)
    muons, electrons, jets = link_leptons_and_jets(muons, electrons, jets, n_events)
    collections = {
        "Muon": _with_index(muons, "genPartIdx", gen, n_events),
        "Electron": _with_index(electrons, "genPartIdx", gen, n_events),
        "Jet": _with_index(jets, "genJetIdx", gen_jets, n_events),
        "TrigObj": trigger_objects(rng, muons, electrons),
    }
    branches |= event_content.vertices(rng, n_pileup)
    branches |= event_content.flags(rng, n_events)
    branches |= event_content.triggers(muons, electrons, n_events)
    branches |= event_content.missing_momentum(rng, gen, jets, n_pileup, is_data)
    variations: Columns = {}
    if not is_data:
        collections |= {"GenPart": gen, "GenJet": gen_jets}
        branches |= {"Pileup_nTrueInt": mean_pileup.astype(np.float64), "Pileup_nPU": n_pileup}
        simulated = config.process(process)
        weights, variations = event_content.generator_weights(
            rng, gen_jets, n_events, simulated.xsec, simulated.negative_weights
        )
        branches |= weights
    collections["SV"] = reconstruct_vertices(rng, jets, branches, detector.secondary_vertices)
    left_out = (*_INTERNAL, *_TRUTH) if is_data else _INTERNAL
    if config.nano_version == 12:
        branches, collections = event_content.as_version_12(rng, branches, collections)
    return {
        **{name: stored(name, values) for name, values in branches.items()},
        **{name: ak.from_regular(stored(name, values)) for name, values in variations.items()},
        **{name: _jagged(name, table, n_events, left_out) for name, table in collections.items()},
        **empty_collections(n_events, is_data),
    }


def _particles(rng: np.random.Generator, process: str, n_events: int, config: ToyConfig) -> Table:
    """Return the particles of all events; data are a mixture of the processes according to their cross sections."""
    record = GenRecord(n_events)
    names = MIXTURES.get(process, (process,))
    xsec = np.array([config.process(name).xsec for name in names])
    kind = rng.choice(len(names), n_events, p=xsec / xsec.sum())
    slope = config.truth.pt_ll_slope if process == "data" else 0.0
    for index, name in enumerate(names):
        events = np.flatnonzero(kind == index)
        parameters, lepton = config.process(name), ELECTRON if name in ELECTRON_PROCESSES else MUON
        if isinstance(parameters, DrellYan):
            add_drell_yan(rng, record, events, parameters, slope, lepton)
        elif isinstance(parameters, TopPairs):
            add_top_pairs(rng, record, events, parameters)
        else:
            add_w_jets(rng, record, events, parameters, lepton)
    add_nonprompt_muons(rng, record, config.detector.nonprompt_muons)
    return record.table()


def _with_index(table: Table, name: str, target: Table, n_events: int) -> Table:
    return Table(table.event, {**table.columns, name: local_index(table["gen"], target.event, n_events)})


def _jagged(collection: str, table: Table, n_events: int, left_out: tuple[str, ...]) -> ak.Array:
    fields = [field for field in table.columns if field not in left_out]
    records = ak.contents.RecordArray(
        [ak.contents.NumpyArray(stored(f"{collection}_{field}", table[field])) for field in fields], fields
    )
    starts = ak.index.Index64(offsets(table.event, n_events))
    return ak.Array(ak.contents.ListOffsetArray(starts, records))
