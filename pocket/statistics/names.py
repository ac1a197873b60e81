"""Names of parameters: patterns for them, those that are allowed, and those that CMS recommends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from pocket.errors import ConfigError, StatisticsError
from pocket.statistics.cards.names import check_name

_ALLOWED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Patterns of variations → names of CMS's scheme, for ``Stored("*", rename=CMS_NAMES)``. ``*`` is what the pattern's
#: last one stands for, and of several patterns that fit, the last one counts. Names of other variations stay as they
#: are: CMS wants those that only one analysis has as ``CMS_<CADI number>_<name>``, and parameters for one year, of
#: ``years="apart"``, with the year at the end.
#: Source: ``systematics_master.yml`` of https://gitlab.cern.ch/cms-analysis/general/systematics, which
#: https://cms-analysis.docs.cern.ch/code/datacard_validation_ci/ checks cards against.
CMS_NAMES = MappingProxyType(
    {
        "pileup": "CMS_pileup",
        "AK4PF*_JES_*": "CMS_scale_j_*",
        "JES_*": "CMS_scale_j_*",
        "AK4PF*_JES_Regrouped_*": "CMS_scale_j_*",
        "JES_Regrouped_*": "CMS_scale_j_*",
        "AK4PF*_JES_Total": "CMS_scale_j",
        "JES_Total": "CMS_scale_j",
        "AK4PF*_JER": "CMS_res_j",
        "JER": "CMS_res_j",
        "MET_unclustered": "CMS_scale_met_unclustered_energy",
        "unclustered": "CMS_scale_met_unclustered_energy",
        "muon_scale": "CMS_scale_m",
        "electron_scale": "CMS_scale_e",
        "electron_smearing": "CMS_res_e",
        "sf_mu_id": "CMS_eff_m_id",
        "sf_mu_iso": "CMS_eff_m_iso",
        "sf_mu_reco": "CMS_eff_m_reco",
        "sf_mu_trigger": "CMS_eff_m_trigger",
        "sf_ele_reco": "CMS_eff_e_reco",
        "sf_ele_id": "CMS_eff_e_id",
        "sf_ele_trigger": "CMS_eff_e_trigger",
        "sf_pho_id": "CMS_eff_g_id",
        "sf_btag_*": "CMS_btag_fullShape_*",
        "sf_btag_calib*": "{name}",
        "sf_btag_fixed_wp_heavy": "CMS_btag_fixedWP_comb_bc",
        "sf_btag_fixed_wp_heavy_*": "CMS_btag_fixedWP_comb_bc_*",
        "sf_btag_fixed_wp_light": "CMS_btag_fixedWP_incl_light",
        "sf_btag_fixed_wp_light_*": "CMS_btag_fixedWP_incl_light_*",
        "sf_jet_puId": "CMS_eff_j_PUJET_id",
        "sf_L1prefiring": "CMS_l1_ecal_prefiring",
        "sf_partonshower_isr": "ps_isr",
        "sf_partonshower_fsr": "ps_fsr",
        "sf_qcd_renorm_scale": "QCDscale_ren",
        "sf_qcd_factor_scale": "QCDscale_fac",
        "sf_alphas": "pdf_alphas",
        "sf_top_pt_data": "top_pt_reweighting",
        "tune": "underlying_event",
        "hdamp": "ps_hdamp",
    }
)


def fits(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern with ``*`` and ``?``."""
    return fnmatchcase(name, pattern)


def fits_any(patterns: Iterable[str], name: str) -> bool:
    """Tell whether a name fits any of some patterns.

    >>> fits_any(["sr_*", "cr"], "cr")
    True
    """
    return any(fits(pattern, name) for pattern in patterns)


def matched_part(pattern: str, name: str) -> str:
    """Return what the last ``*`` of a pattern stands for in a name that fits it; empty if it has none.

    >>> matched_part("AK4*_JES_*", "AK4PFchs_JES_Total")
    'Total'
    """
    parts = {"*": "(.*)", "?": "."}
    match = re.fullmatch("".join(parts.get(letter, re.escape(letter)) for letter in pattern), name)
    return str(match[match.lastindex or 0]) if match and match.lastindex else ""


def as_patterns(patterns: str | Sequence[str]) -> tuple[str, ...]:
    """Return patterns as a tuple, which a single one becomes.

    >>> as_patterns("sr_*")
    ('sr_*',)
    """
    return (patterns,) if isinstance(patterns, str) else tuple(map(str, patterns))


def check_parameter_name(name: object, where: str, kind: str = "parameter") -> None:
    """Check that a name can be one in cards: letters, digits and underscores, and none that combine takes otherwise."""
    if not (isinstance(name, str) and _ALLOWED.fullmatch(name)):
        raise ConfigError(
            f"{where}: {kind} {name!r} needs a name of letters, digits and underscores, without a digit in front"
        )
    try:
        check_name(kind, name)
    except StatisticsError as error:
        raise ConfigError(f"{where}: {error}") from None


def plain_name(name: str) -> str:
    """Return a name in which all but letters, digits and underscores became underscores.

    >>> plain_name("JES_HF-2.5")
    'JES_HF_2_5'
    """
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{plain}" if plain[:1].isdigit() else plain


def in_year(name: str, year: str) -> str:
    """Return the name of a parameter for one year, which replaces ``{year}`` or is appended; empty for all.

    >>> in_year("lumi", "2018"), in_year("CMS_{year}_lumi", "2018"), in_year("lumi", "")
    ('lumi_2018', 'CMS_2018_lumi', 'lumi')
    """
    if "{year}" in name:
        return name.replace("{year}", year)
    return f"{name}_{year}" if year else name
