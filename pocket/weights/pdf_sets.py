"""Sets of parton distributions that CMS samples have weights of, by their LHAPDF numbers.

Numbers and names are those of LHAPDF's ``pdfsets.index``; numbers of members and the kind of their uncertainty those of
the sets' ``.info`` files (``NumMembers``, ``ErrorType``, ``ErrorConfLevel``; https://lhapdfsets.web.cern.ch), as CMS
requests them for its samples (cms-sw/genproductions, bin/Powheg/make_rwl.py, and CMSSW, nanogen_cff.py). A number that
NanoAOD gives and this table doesn't have is declared as a :class:`PDFSet`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pocket.errors import ConfigError, UnknownNameError, check_known

#: Kinds of members: eigenvectors with one shift each, pairs of shifts along eigenvectors, or replicas.
SYMMETRIC, PAIRS, REPLICAS = "symmhessian", "hessian", "replicas"
KINDS = (SYMMETRIC, PAIRS, REPLICAS)
#: Standard deviations within which 90 % of a normal distribution are.
SIGMAS_OF_90 = 1.6448536269514722
_IDS = re.compile(r"LHA IDs?\s+(\d+)\s*-\s*(\d+)")
_NAME = re.compile(r"LHA names?\s+([\w+-]+)")


@dataclass(frozen=True)
class PDFSet:
    """Set of parton distributions.

    Args:
        lhapdf: LHAPDF number of the central member.
        name: name of the set.
        kind: ``symmhessian``, ``hessian`` or ``replicas``.
        members: number of members beside the central one, without those of α_S.
        alphas: whether two more members have a lower and a higher α_S.
        level: confidence level of its uncertainty, 68 or 90 %.

    Raises:
        UnknownNameError: for another kind.
        ConfigError: if the members of a set of pairs aren't pairs, or the level is another one.

    Example:
        >>> PDFSet(306000, "NNPDF31_nnlo_hessian_pdfas", "symmhessian", 100, alphas=True).sources
        100
    """

    lhapdf: int
    name: str
    kind: str
    members: int
    alphas: bool = False
    level: int = 68

    def __post_init__(self) -> None:
        check_known("kind", [self.kind], KINDS, f"PDF set {self.name!r}")
        if self.members < 1 or (self.kind == PAIRS and self.members % 2):
            raise ConfigError(f"PDF set {self.name!r}: {self.members} members are no set of kind {self.kind!r}")
        if self.level not in (68, 90):
            raise ConfigError(f"PDF set {self.name!r}: level must be 68 or 90 (%), not {self.level}")

    @property
    def sources(self) -> int:
        """Number of eigenvectors or replicas."""
        return self.members // 2 if self.kind == PAIRS else self.members

    @property
    def scale(self) -> float:
        """Factor on the shifts that gives one standard deviation."""
        return 1.0 if self.level == 68 else 1 / SIGMAS_OF_90

    @property
    def last(self) -> int:
        """LHAPDF number of the last member."""
        return self.lhapdf + self.members + (2 if self.alphas else 0)

    def is_like(self, other: PDFSet) -> bool:
        """Tell whether the members of another set have the same meaning and number."""
        return (self.kind, self.members) == (other.kind, other.members)


#: Kind, whether there are members for α_S, and confidence level in % → LHAPDF numbers, names and numbers of members.
_TABLE: Mapping[tuple[str, bool, int], tuple[tuple[int, str, int], ...]] = {
    (SYMMETRIC, True, 68): (
        (90200, "PDF4LHC15_nlo_100_pdfas", 100),
        (90400, "PDF4LHC15_nlo_30_pdfas", 30),
        (91200, "PDF4LHC15_nnlo_100_pdfas", 100),
        (91400, "PDF4LHC15_nnlo_30_pdfas", 30),
        (93300, "PDF4LHC21_40_pdfas", 40),
        (93700, "PDF4LHC21_40_pdfas_nf4", 40),
        (305800, "NNPDF31_nlo_hessian_pdfas", 100),
        (306000, "NNPDF31_nnlo_hessian_pdfas", 100),
        (325300, "NNPDF31_nnlo_as_0118_mc_hessian_pdfas", 100),
        (331600, "NNPDF40_nnlo_hessian_pdfas", 50),
    ),
    (SYMMETRIC, False, 68): (
        (42780, "ABMP16als118_5_nnlo", 29),
        (90700, "PDF4LHC15_nlo_100", 100),
        (90900, "PDF4LHC15_nlo_30", 30),
        (91700, "PDF4LHC15_nnlo_100", 100),
        (91900, "PDF4LHC15_nnlo_30", 30),
        (303000, "NNPDF30_nlo_as_0118_hessian", 100),
        (303200, "NNPDF30_nnlo_as_0118_hessian", 100),
        (304200, "NNPDF31_nlo_as_0118_hessian", 100),
        (304400, "NNPDF31_nnlo_as_0118_hessian", 100),
        (325500, "NNPDF31_nnlo_as_0118_nf_4_mc_hessian", 100),
        (325900, "NNPDF31_nnlo_as_0118_CMSW2_hessian_100", 100),
        (326100, "NNPDF31_nnlo_as_0118_CMSW3_hessian_100", 100),
        (326300, "NNPDF31_nnlo_as_0118_CMSW4_hessian_100", 100),
        (331500, "NNPDF40_nnlo_as_01180_hessian", 50),
    ),
    (REPLICAS, True, 68): (
        (90000, "PDF4LHC15_nlo_mc_pdfas", 100),
        (91000, "PDF4LHC15_nnlo_mc_pdfas", 100),
        (292000, "NNPDF30_nlo_nf_4_pdfas", 100),
        (292200, "NNPDF30_nlo_nf_5_pdfas", 100),
        (292400, "NNPDF30_nnlo_nf_4_pdfas", 100),
        (292600, "NNPDF30_nnlo_nf_5_pdfas", 100),
        (305000, "NNPDF31_nlo_pdfas", 100),
        (305200, "NNPDF31_nnlo_pdfas", 100),
        (331300, "NNPDF40_nnlo_pdfas", 100),
        (335500, "NNPDF40_nnlo_nf_4_pdfas", 100),
        (335700, "NNPDF40_nlo_nf_4_pdfas", 100),
    ),
    (REPLICAS, False, 68): (
        (90500, "PDF4LHC15_nlo_mc", 100),
        (91500, "PDF4LHC15_nnlo_mc", 100),
        (260000, "NNPDF30_nlo_as_0118", 100),
        (260400, "NNPDF30_nlo_as_0118_nf_4", 100),
        (261000, "NNPDF30_nnlo_as_0118", 100),
        (262000, "NNPDF30_lo_as_0118", 100),
        (263000, "NNPDF30_lo_as_0130", 100),
        (303400, "NNPDF31_nlo_as_0118", 100),
        (303600, "NNPDF31_nnlo_as_0118", 100),
        (315000, "NNPDF31_lo_as_0118", 100),
        (315200, "NNPDF31_lo_as_0130", 100),
        (315800, "NNPDF31_nlo_as_0118_mc", 100),
        (316200, "NNPDF31_nnlo_as_0118_mc", 100),
        (320500, "NNPDF31_nlo_as_0118_nf_4", 100),
        (320900, "NNPDF31_nnlo_as_0118_nf_4", 100),
        (325100, "NNPDF31_nnlo_as_0118_luxqed", 100),
        (331100, "NNPDF40_nnlo_as_01180", 100),
        (331700, "NNPDF40_nlo_as_01180", 100),
        (331900, "NNPDF40_lo_as_01180", 100),
        (332100, "NNPDF40_nnlo_pch_as_01180", 100),
    ),
    (PAIRS, False, 68): (
        (25000, "MMHT2014lo68cl", 50),
        (25100, "MMHT2014nlo68cl", 50),
        (25200, "MMHT2014nlo68clas118", 50),
        (25300, "MMHT2014nnlo68cl", 50),
        (27400, "MSHT20nnlo_as118", 64),
        (29100, "MSHT20an3lo_as118", 104),
        (61100, "HERAPDF20_NLO_EIG", 28),
        (61200, "HERAPDF20_NNLO_EIG", 28),
    ),
    (PAIRS, False, 90): (
        (13000, "CT14nnlo", 56),
        (13100, "CT14nlo", 56),
        (14000, "CT18NNLO", 58),
        (14100, "CT18ZNNLO", 58),
        (14400, "CT18NLO", 58),
        (14600, "CT18ANLO", 58),
    ),
}
#: LHAPDF number → set.
SETS: dict[int, PDFSet] = {
    number: PDFSet(number, name, kind, members, alphas, level)
    for (kind, alphas, level), rows in _TABLE.items()
    for number, name, members in rows
}
_BY_NAME = {each.name: each for each in SETS.values()}


def pdf_set(which: int | str) -> PDFSet:
    """Return a set by its LHAPDF number or its name."""
    if isinstance(which, str) and which in _BY_NAME:
        return _BY_NAME[which]
    if isinstance(which, int) and which in SETS:
        return SETS[which]
    raise UnknownNameError("PDF set", which, _BY_NAME, "pocket.weights.pdf_sets; a PDFSet(…) declares another one")


@dataclass(frozen=True)
class Title:
    """Content of LHEPdfWeight as its title says it: the LHAPDF number of its first entry, or the name of the set."""

    first: int = 0
    name: str = ""

    @classmethod
    def of(cls, title: str) -> Title | None:
        """Return the content of a title, such as ``… for LHA IDs 306000 - 306102``; ``None`` if it doesn't say it."""
        if match := _IDS.search(title):
            return cls(first=int(match[1]))
        if match := _NAME.search(title):
            return cls(name=match[1])
        return None

    def find(self, known: Iterable[PDFSet] = ()) -> PDFSet | None:
        """Return the set, ``None`` if it isn't in the table."""
        for each in (*known, *SETS.values()):
            # If the central member is the sample's nominal one, it may have no entry.
            if self.first in (each.lhapdf, each.lhapdf + 1) or (self.name and self.name == each.name):
                return each
        return None

    def __str__(self) -> str:
        """Return the number or the name."""
        return self.name or str(self.first)
