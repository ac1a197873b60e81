"""Configuration of the toys: the section ``toys`` of params/toys.yaml as frozen dataclasses.

The comments in params/toys.yaml explain every number. Energies are in GeV, cross sections in pb, luminosities in pb^-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.errors import ConfigError, UnknownNameError
from pocket.toys.validation import Fraction, Positive, build

SOURCE = "params/toys.yaml"
#: year of the toys that aren't those of an era
YEAR = "toys"
#: versions of NanoAOD whose content the toys can have
NANO_VERSIONS = (9, 12)
#: names of the simulated processes
SIMULATED = ("dy", "ttsemi", "wjets")
#: simulated processes, and the pseudo-data made of them
PROCESSES = (*SIMULATED, "data")
#: processes of the toys of electrons: Z → ee, the same of another generator, W → eν, and the pseudo-data
ELECTRON_PROCESSES = ("dyee", "dyee_lo", "wenu", "egamma")
#: pseudo-data → the simulated processes that they are a mixture of
MIXTURES = {"data": SIMULATED, "egamma": ("dyee", "wenu")}


@dataclass(frozen=True)
class Radiation:
    """Jets in addition to those of the hard process: mean number per event and flavour fractions."""

    jets: Positive
    b_fraction: Fraction
    c_fraction: Fraction


@dataclass(frozen=True)
class Resonance:
    """A truncated Breit-Wigner distribution."""

    mass: Positive
    width: Positive
    mass_range: tuple[float, float]


@dataclass(frozen=True)
class ProducedResonance(Resonance):
    """A truncated Breit-Wigner distribution with dN/dpt ~ pt (1 + pt²/pt_scale²)^-pt_exponent."""

    pt_scale: Positive
    pt_exponent: Positive


@dataclass(frozen=True)
class Process:
    """Parameters that all simulated processes have."""

    sample: str
    xsec: Positive
    events: int
    negative_weights: Fraction
    radiation: Radiation


@dataclass(frozen=True)
class DrellYan(Process):
    """Drell-Yan production of lepton pairs."""

    continuum: Fraction
    boson: ProducedResonance


@dataclass(frozen=True)
class TopPairs(Process):
    """Semileptonic top pairs."""

    muon_channel: Fraction
    charm_channel: Fraction
    top: ProducedResonance
    w: Resonance
    system_pt_scale: Positive


@dataclass(frozen=True)
class WJets(Process):
    """W bosons that decay to a lepton and a neutrino, with jets."""

    boson: ProducedResonance
    positive_charge: Fraction
    fake_muons: Fraction


@dataclass(frozen=True)
class Processes:
    """The simulated processes."""

    dy: DrellYan
    ttsemi: TopPairs
    wjets: WJets


@dataclass(frozen=True)
class Run:
    """A run with its certified and uncertified luminosity sections, as (first, last)."""

    number: int
    certified: tuple[tuple[int, int], ...]
    uncertified: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Data:
    """The pseudo-data."""

    sample: str
    seed: int
    uncertified: Fraction
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class MuonIdTruth:
    """Efficiency of the muon ID."""

    plateau: Fraction
    edge_loss: float
    eta_max: Positive
    sf: Positive
    sf_endcap_loss: float
    sf_boundary: float
    nonprompt: Fraction


@dataclass(frozen=True)
class TurnOn:
    """Threshold and plateau of a trigger."""

    threshold: Positive
    plateau: Fraction


@dataclass(frozen=True)
class TriggerTruth:
    """Efficiency of the single-muon trigger, per muon."""

    mc: TurnOn
    data: TurnOn
    resolution: Positive
    nonprompt: Fraction


@dataclass(frozen=True)
class FlavourTruth:
    """Efficiency of the tagger's working point for one flavour; ``spread`` only shapes the score around it."""

    plateau: Fraction
    turn_on: float
    turn_on_scale: Positive
    slope: float
    sf: Positive
    sf_slope: float
    spread: Positive


@dataclass(frozen=True)
class TaggerTruth:
    """Efficiencies of the jet tagger at one working point."""

    working_point: Fraction
    sf_reference_pt: float
    b: FlavourTruth
    c: FlavourTruth
    light: FlavourTruth


@dataclass(frozen=True)
class PileupTruth:
    """Mean number of interactions, and the name of the correction from simulation to data."""

    mc: Positive
    data: Positive
    uncertainty: Fraction
    correction: str


@dataclass(frozen=True)
class Truth:
    """All differences of data and simulation."""

    pt_ll_slope: float
    muon_id: MuonIdTruth
    trigger: TriggerTruth
    tagger: TaggerTruth
    pileup: PileupTruth


@dataclass(frozen=True)
class LeptonDetector:
    """Leptons: acceptance, reconstruction efficiency, relative resolution (resolution + resolution_slope |eta|)."""

    pt_min: Positive
    eta_max: Positive
    efficiency: Fraction
    resolution: Positive
    resolution_slope: float


@dataclass(frozen=True)
class JetDetector:
    """Jets: acceptance, resolution (noise/pt ⊕ stochastic/√pt ⊕ constant) and pileup jets per interaction."""

    pt_min: Positive
    eta_max: Positive
    noise: float
    stochastic: float
    constant: float
    pileup_jets: Fraction


@dataclass(frozen=True)
class NonpromptMuons:
    """Probability of a muon in a jet, by the jet's flavour."""

    b: Fraction
    c: Fraction
    light: Fraction


@dataclass(frozen=True)
class SecondaryVertex:
    """Secondary vertices of jets of one flavour: the efficiency, and mean and shape of their Gamma-distributed mass."""

    efficiency: Fraction
    mass: Positive
    mass_shape: Positive


@dataclass(frozen=True)
class SecondaryVertices:
    """Secondary vertices by the flavour of the jet."""

    b: SecondaryVertex
    c: SecondaryVertex
    light: SecondaryVertex


@dataclass(frozen=True)
class Detector:
    """Reconstruction, the same in data and simulation."""

    muon: LeptonDetector
    electron: LeptonDetector
    jet: JetDetector
    nonprompt_muons: NonpromptMuons
    fake_electrons: Fraction
    secondary_vertices: SecondaryVertices


@dataclass(frozen=True)
class ElectronProcesses:
    """The simulated processes of the toys of electrons."""

    dyee: DrellYan
    dyee_lo: DrellYan
    wenu: WJets


@dataclass(frozen=True)
class ElectronResponse:
    """Reconstructed over generated pt: scale, relative resolution, fraction of electrons that radiate, mean loss."""

    scale: Positive
    resolution: Positive
    resolution_slope: float
    radiating: Fraction
    loss: Positive


@dataclass(frozen=True)
class ElectronResponses:
    """Responses of simulation, of the other generator's simulation, and of data."""

    simulation: ElectronResponse
    other_generator: ElectronResponse
    data: ElectronResponse


@dataclass(frozen=True)
class ElectronIdTruth:
    """Efficiency of the electron ID."""

    plateau: Fraction
    turn_on: float
    turn_on_scale: Positive
    edge_loss: float
    eta_max: Positive
    sf: Positive
    sf_turn_on: float
    sf_boundary: float
    sf_endcap_loss: float
    sf_slope: float
    nonprompt: Fraction


@dataclass(frozen=True)
class ElectronToys:
    """The toys of electrons, which are made instead of the others."""

    sample: str
    processes: ElectronProcesses
    identification: ElectronIdTruth
    responses: ElectronResponses
    fake_electrons: Fraction


@dataclass(frozen=True)
class ToyConfig:
    """All parameters of the toys."""

    seed: int
    scale: Positive
    luminosity: Positive
    events_per_file: int
    processes: Processes
    data: Data
    truth: Truth
    detector: Detector
    electrons: ElectronToys | None = None
    #: version of NanoAOD; version 9 if there is none
    nano_version: int | None = None

    def __post_init__(self) -> None:
        if self.nano_version not in (None, *NANO_VERSIONS):
            versions = " or ".join(map(str, NANO_VERSIONS))
            raise ConfigError(f"{SOURCE}: toys.nano_version is {self.nano_version}, expected {versions}")
        if self.events_per_file < 1:
            raise ConfigError(f"{SOURCE}: toys.events_per_file is {self.events_per_file}, expected at least 1")
        for name in (*SIMULATED, *(ELECTRON_PROCESSES[:-1] if self.electrons else ())):
            process, key = self.process(name), f"toys.{'' if name in SIMULATED else 'electrons.'}processes.{name}"
            if process.events < 0:
                raise ConfigError(f"{SOURCE}: {key}.events is {process.events}, expected at least 0")
            if process.negative_weights >= 0.5:
                raise ConfigError(f"{SOURCE}: {key}.negative_weights must be below 0.5")
        for kind in ("certified", "uncertified"):
            if not any(getattr(run, kind) for run in self.data.runs):
                raise ConfigError(f"{SOURCE}: toys.data.runs has no {kind} luminosity section")

    @classmethod
    def from_params(cls, mapping: Mapping[str, Any], year: str = YEAR) -> ToyConfig:
        """Return the configuration of the toys of a year from the parameters' section ``toys``."""
        config: ToyConfig = build(cls, era_parameters(mapping, year), "toys", SOURCE)
        return config

    @property
    def made(self) -> tuple[str, ...]:
        """The processes whose files are made: those of electrons if there is a section for them, or the others."""
        return ELECTRON_PROCESSES if self.electrons else PROCESSES

    def process(self, name: str) -> DrellYan | TopPairs | WJets:
        """Return a simulated process."""
        known: dict[str, Processes | ElectronProcesses] = dict.fromkeys(SIMULATED, self.processes)
        if self.electrons:
            known |= {name: self.electrons.processes for name in ELECTRON_PROCESSES if name not in MIXTURES}
        if name not in known:
            raise UnknownNameError("simulated process", name, known, SOURCE)
        process: DrellYan | TopPairs | WJets = getattr(known[name], name)
        return process


def era_parameters(section: Mapping[str, Any], year: str = YEAR) -> dict[str, Any]:
    """Return the parameters of the toys of a year: the common ones, with those of the year in their places."""
    common = {key: value for key, value in section.items() if key != "eras"}
    if year == YEAR:
        return common
    eras = section.get("eras", {})
    if year not in eras:
        raise UnknownNameError("year of toys", year, (YEAR, *eras), SOURCE)
    return _changed(common, eras[year])


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(values)
    for key, value in changes.items():
        before = values.get(key)
        changed[key] = _changed(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return changed
