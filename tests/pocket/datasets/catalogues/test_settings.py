from __future__ import annotations

import pytest

from pocket.datasets.catalogues.settings import Settings, SiteRules, read_settings
from pocket.errors import ConfigError, UnknownNameError
from tests.entries import check_each

SITES = ["T1_US_FNAL_Disk", "T2_DE_DESY", "T2_CH_CSCS", "T2_IT_Pisa"]


@check_each(
    ("rules", "expected"),
    [
        (SiteRules(), SITES),
        (SiteRules(allow=("T2_IT_Pisa", "T2_DE_DESY")), ["T2_IT_Pisa", "T2_DE_DESY"]),
        (SiteRules(block=("T2_CH_CSCS",)), ["T1_US_FNAL_Disk", "T2_DE_DESY", "T2_IT_Pisa"]),
        (SiteRules(regex="^T2_(DE|CH)"), ["T2_DE_DESY", "T2_CH_CSCS"]),
        (
            SiteRules(priority=("T2_IT_Pisa", "T2_UK_None")),
            ["T2_IT_Pisa", "T1_US_FNAL_Disk", "T2_DE_DESY", "T2_CH_CSCS"],
        ),
        (SiteRules(allow=("T2_IT_Pisa", "T2_DE_DESY"), block=("T2_IT_Pisa",)), ["T2_DE_DESY"]),
        (SiteRules(allow=("T2_IT_Pisa", "T2_DE_DESY"), priority=("T2_DE_DESY",)), ["T2_DE_DESY", "T2_IT_Pisa"]),
        (SiteRules(regex="T3"), []),
        # The site has tapes, too, so its disks have another name in Rucio.
        (SiteRules(block=("T1_US_FNAL", "T2_CH")), [site for site in SITES if site != "T1_US_FNAL_Disk"]),
        (SiteRules(allow=("T2_IT_Pisa", "T1_US_FNAL")), ["T2_IT_Pisa", "T1_US_FNAL_Disk"]),
    ],
)
def test_order_of_sites(rules: SiteRules, expected: list[str]) -> None:
    assert rules.order(SITES) == expected


def test_read_settings() -> None:
    options = {
        "dbs_url": "http://localhost:1/dbs",
        "allow_sites": "T2_DE_DESY, T2_CH_CSCS",
        "regex_sites": "^T2",
        "timeout": "2.5",
        "retries": "1",
        "redirector": "",
    }
    settings = read_settings(options)
    assert settings == Settings(
        dbs_url="http://localhost:1/dbs",
        sites=SiteRules(allow=("T2_DE_DESY", "T2_CH_CSCS"), regex="^T2"),
        timeout=2.5,
        retries=1,
    )
    assert read_settings({}) == Settings()


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("timeout", "soon", r"timeout in \[catalogues\] of law.cfg is 'soon', expected a number"),
        ("timeout", "0", "timeout .* is 0.0 s, expected more than 0"),
        ("retries", "-1", "retries .* is -1, expected at least 0"),
        ("max_replicas", "0", "max_replicas .* is 0, expected at least 1"),
        ("dbs_url", "cmsweb.cern.ch", "dbs_url .* is 'cmsweb.cern.ch', expected an address https"),
        ("regex_sites", "T2_(", r"regex_sites .* is 'T2_\(', no regular expression"),
    ],
)
def test_wrong_value(option: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings({option: text})


def test_unknown_option() -> None:
    with pytest.raises(UnknownNameError, match=r"'block_site' in .*, did you mean 'block_sites'"):
        read_settings({"block_site": "T2_DE_DESY"})
