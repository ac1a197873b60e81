from __future__ import annotations

import os
from dataclasses import replace

import law
import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.settings.batch_systems import BATCH_SYSTEMS, load_batch_systems
from tasks.settings.sites import Site, parse_site, read_site, site_names

load_batch_systems()


def test_shipped_sites() -> None:
    batch = ["local", "lxplus", "lxplus-eos", "naf", "osg", "cms-connect", "t3-psi"]
    assert site_names() == [*batch, "infn-af", "coffea-casa", "swan", "purdue"]
    assert read_site("local") == Site("local")
    lxplus = read_site("lxplus")
    assert (lxplus.want_os, lxplus.not_from, lxplus.not_shared) == ("el9", ("/eos/",), ("/tmp/",))
    for name in site_names():
        site = read_site(name)
        assert site.memory <= site.max_memory
        assert site.runtime <= site.max_runtime


def test_options_have_types() -> None:
    options = {"memory": "1500", "send_credential": "true", "block": "bad01.cern.ch, bad02.cern.ch,", "want_os": "el9 "}
    site = parse_site("mine", options)
    assert site == Site(
        "mine", memory=1500.0, send_credential=True, block=("bad01.cern.ch", "bad02.cern.ch"), want_os="el9"
    )
    assert replace(site, want_os="el8").want_os == "el8"


def test_wrong_options() -> None:
    with pytest.raises(UnknownNameError, match="unknown site 'lxplu' in --site, did you mean 'lxplus'"):
        read_site("lxplu")
    with pytest.raises(UnknownNameError, match=r"unknown option 'memry' in \[site_mine\] of law.cfg, did you mean"):
        parse_site("mine", {"memry": "3"})
    with pytest.raises(ConfigError, match=r"memory = 3GB in \[site_mine\] of law.cfg is no float"):
        parse_site("mine", {"memory": "3GB"})
    with pytest.raises(ConfigError, match=r"send_credential = yes in \[site_mine\] of law.cfg is no bool"):
        parse_site("mine", {"send_credential": "yes"})
    with pytest.raises(UnknownNameError, match=r"unknown store 'remot' in \[site_mine\] of law.cfg"):
        parse_site("mine", {"store": "remot"})
    with pytest.raises(UnknownNameError, match=r"unknown option 'projet' in required in \[site_mine\] of law.cfg"):
        parse_site("mine", {"required": "projet"})
    with pytest.raises(UnknownNameError, match=r"unknown environment 'bundel' in \[site_mine\] of law.cfg"):
        parse_site("mine", {"environment": "bundel"})


def test_variables_in_commands_of_jobs_are_those_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE", "long")
    options = {
        "setup": "export PATH=/cvmfs/bin:$PATH",
        "dask": "cluster = slurm\nqueue = $QUEUE\nsetup = cd $QUEUE",
        "partition": "$QUEUE",
        "log_directory": "~/logs",
    }
    law.config.update({"site_variables": options})
    try:
        site = read_site("variables")
    finally:
        law.config.remove_section("site_variables")
    assert site.setup == "export PATH=/cvmfs/bin:$PATH"
    assert dict(site.dask) == {"cluster": "slurm", "queue": "long", "setup": "cd $QUEUE"}
    assert site.partition == "long"
    assert site.log_directory == os.path.expanduser("~/logs")  # noqa: PTH111


def test_what_only_the_user_knows_must_be_set() -> None:
    site = read_site("osg")
    with pytest.raises(ConfigError, match=r"^site 'osg' takes no jobs without a project: set project in \[site_osg\]"):
        site.check_required()
    replace(site, project="mine").check_required()


def test_paths_that_a_site_takes() -> None:
    assert Site("any").objection("/eos/user") == ""
    lxplus = Site("lxplus", not_from=("/eos/",), not_shared=("/tmp/",))
    assert lxplus.objection("/afs/cern.ch/user", "the logs") == ""
    assert lxplus.objection("/eos/user") == "site 'lxplus' takes no submission from /eos/user"
    assert lxplus.objection("/tmp/x", "the proxy") == "other machines of site 'lxplus' don't see the proxy /tmp/x"
    eos = Site("lxplus-eos", submit_from="/eos/")
    assert eos.objection("/afs/x") == "site 'lxplus-eos' takes no submission from /afs/x, only from /eos/"
    assert eos.objection("/eos/x") == ""


@pytest.mark.parametrize(
    ("system", "path", "character"),
    [
        ("htcondor", "/store/$(id)", r"'\$'"),
        ("htcondor", '/the "store"', "'\"'"),
        ("htcondor", "/a,b", "','"),
        ("htcondor", "/a\tb", r"'\\t'"),
        ("slurm", "/a b", "' '"),
        ("slurm", "/it's", '"\'"'),
        ("slurm", "/50%", "'%'"),
    ],
)
def test_paths_that_a_batch_system_can_not_be_told(system: str, path: str, character: str) -> None:
    name = {"htcondor": "HTCondor", "slurm": "Slurm"}[system]
    with pytest.raises(ConfigError, match=f"^{name} can't be told the path .* which has {character}: set POCKET_STORE"):
        BATCH_SYSTEMS[system].check_characters(path)


def test_paths_that_batch_systems_can_be_told() -> None:
    BATCH_SYSTEMS["htcondor"].check_characters("/a b/it's `id`;50%/#1/ü")
    BATCH_SYSTEMS["slurm"].check_characters("/afs/cern.ch/user/m/me/a-b_c+d=e@f~g/ü")


def test_lines_of_a_submission() -> None:
    site = parse_site(
        "mine",
        {
            "submit": "+RequestRuntime = {seconds}\n\n  gres = gpu:1\nexclusive\nx = a == {memory} && {minutes}",
            "gpus": "2",
            "disk": "4000",
        },
    )
    assert (site.gpus, site.disk) == (2, 4000.0)
    assert site.submit_lines(1500.5, 0.75) == [
        ("+RequestRuntime", "2700"),
        ("gres", "gpu:1"),
        ("exclusive", ""),
        ("x", "a == 1501 && 45"),
    ]
    with pytest.raises(ConfigError, match=r"submit = a b = 3 in \[site_mine\] of law.cfg is no"):
        parse_site("mine", {"submit": "a b = 3"})


def test_batch_systems_of_sites() -> None:
    read_site("lxplus").check_workflow("htcondor")
    read_site("local").check_workflow("slurm")
    with pytest.raises(ConfigError, match=r"^site 'naf' takes no jobs of slurm, only of htcondor$"):
        read_site("naf").check_workflow("slurm")
    with pytest.raises(ConfigError, match=r"^site 'purdue' takes no jobs of htcondor, it is for --executor dask$"):
        read_site("purdue").check_workflow("htcondor")
    with pytest.raises(UnknownNameError, match=r"unknown workflow 'condor' in .*, did you mean 'htcondor'"):
        parse_site("mine", {"workflows": "condor"})
