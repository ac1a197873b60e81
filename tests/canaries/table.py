"""The private names of libraries that this project uses, and what of ours uses each."""

from __future__ import annotations

from typing import NamedTuple


class Canary(NamedTuple):
    """A private name of a library.

    Args:
        place: ``module:name`` of what is private, or of the class whose instances have it.
        attribute: the attribute that instances have, empty if the place itself is what is used.
        user: ``module:name`` of our function or class that breaks without it.
        arguments: names of arguments that we give to it, or that it gives to us, in this order.
    """

    place: str
    attribute: str
    user: str
    arguments: tuple[str, ...] = ()

    @property
    def library(self) -> str:
        """The library."""
        return self.place.partition(":")[0].partition(".")[0]

    @property
    def name(self) -> str:
        """The private name."""
        return self.attribute or self.place.rpartition(":")[2].rpartition(".")[2]

    def __str__(self) -> str:
        return f"{self.place}{'.' if self.attribute else ''}{self.attribute}"


COMPILED = "pocket.base.fingerprint.compiled"
WRITING = "pocket.io.nanoaod.writing"
EVENTS = "pocket.io.nanoaod.events"
RECORDS = "pocket.io.nanoaod.records"
SUBMISSION = "tasks.batch.submission:BatchProxy"
RETRYING = "tasks.batch.proxy:RetryingProxy"
BASE_PROXY = "law.workflow.remote:BaseRemoteWorkflowProxy"

CANARIES = (
    Canary("uproot._util:datetime_to_code", "", f"{WRITING}:without_times"),
    Canary("uproot.writing.writable:WritableDirectory", "_cascading", f"{WRITING}:make_tree"),
    Canary("uproot.writing._cascade:Directory.add_tree", "", f"{WRITING}:make_tree", ("self", "sink", "name", "title")),
    Canary(
        "uproot.writing._cascadetree:Tree", "", f"{WRITING}:make_tree", ("directory", "name", "title", "branch_types")
    ),
    Canary("uproot.writing._cascade:Directory", "_freesegments", f"{WRITING}:make_tree"),
    Canary("uproot.writing._cascadetree:Tree", "_branch_data", f"{WRITING}:make_tree"),
    Canary("uproot.reading:ReadOnlyKey", "_fDatime", "pocket.io.nanoaod.ttree:structure"),
    Canary("uproot.source.chunk:Source", "_num_requested_chunks", "pocket.io.nanoaod.local_source:LocalSource"),
    Canary("uproot.source.chunk:Source", "_num_requested_bytes", "pocket.io.nanoaod.local_source:LocalSource"),
    Canary("uproot.source.futures:TrivialFuture", "", "pocket.io.nanoaod.local_source:LocalSource", ("result",)),
    Canary("uproot.deserialization:numbytes_version", "", "pocket.io.nanoaod.ttree:read_tree", ("chunk", "cursor")),
    Canary(
        "coffea.nanoevents.mapping:UprootSourceMapping._extract_base_form", "", "pocket.io.nanoaod.schema:find_schema"
    ),
    Canary(
        "coffea.nanoevents.mapping:UprootSourceMapping._column_source",
        "",
        f"{EVENTS}:Columns",
        ("self", "uuid", "path_in_source"),
    ),
    Canary(
        "coffea.nanoevents.mapping:UprootSourceMapping.get_column_handle",
        "",
        f"{EVENTS}:Columns",
        ("self", "columnsource", "name", "allow_missing"),
    ),
    Canary(
        "coffea.nanoevents.mapping:UprootSourceMapping.extract_column",
        "",
        f"{EVENTS}:Columns",
        ("self", "columnhandle", "start", "stop", "allow_missing", "use_ak_forth"),
    ),
    Canary(
        "coffea.nanoevents.factory:_key_formatter", "", f"{EVENTS}:Chunk", ("prefix", "form_key", "form", "attribute")
    ),
    Canary("awkward.contents:RecordArray", "_contents", f"{RECORDS}:LazyRecords"),
    Canary("awkward.contents:RecordArray", "_length", f"{RECORDS}:LazyRecords"),
    Canary("awkward.contents:RecordArray", "_length_generator", f"{RECORDS}:LazyRecords"),
    Canary("awkward.contents:RecordArray._init", "", f"{RECORDS}:LazyRecords", ("self", "parameters", "backend")),
    Canary("awkward._util:native_byteorder", "", f"{RECORDS}:LazyArrays"),
    Canary("awkward._nplikes.shape:unknown_length", "", f"{RECORDS}:LazyArrays"),
    Canary("awkward._backends.numpy:NumpyBackend.instance", "", f"{RECORDS}:LazyArrays"),
    Canary(
        "awkward.operations.ak_from_buffers:_reconstitute",
        "",
        f"{RECORDS}:LazyArrays",
        ("form", "length", "container", "getkey", "backend", "byteorder", "simplify", "shape_generator"),
    ),
    Canary("coffea.nanoevents.util:quote", "", "pocket.io.nanoaod.schema:base_form"),
    Canary("coffea.nanoevents.util:key_to_tuple", "", "pocket.io.nanoaod.selection:select_events"),
    Canary("coffea.nanoevents.util:tuple_to_key", "", f"{EVENTS}:NanoTree"),
    Canary(
        "coffea.dataset_tools.rucio_utils:_get_pfn_for_site",
        "",
        "pocket.datasets.catalogues.rucio_query:site_addresses",
    ),
    Canary(
        "numba.core.caching:Cache._load_overload", "", f"{COMPILED}:_rename_files", ("self", "sig", "target_context")
    ),
    Canary("numba.core.caching:Cache", "_py_func", f"{COMPILED}:_rename_files"),
    Canary("numba.core.caching:Cache", "_cache_file", f"{COMPILED}:_rename_files"),
    Canary("numba.core.caching:Cache", "_impl", f"{COMPILED}:_rename_files"),
    Canary(
        "numba.core.caching:IndexDataCacheFile.__init__",
        "",
        f"{COMPILED}:_rename_files",
        ("self", "cache_path", "filename_base", "source_stamp"),
    ),
    Canary("numba.core.caching:IndexDataCacheFile.load", "", f"{COMPILED}:_Files", ("self", "key")),
    Canary("numba.core.caching:IndexDataCacheFile.save", "", f"{COMPILED}:_Files", ("self", "key", "data")),
    Canary("omegaconf._utils:get_omega_conf_dumper", "", "pocket.parameters.defaults:dump_parameters"),
    Canary("omegaconf:DictConfig._get_node", "", "pocket.parameters.overrides:lookup", ("self", "key")),
    Canary("omegaconf:DictConfig._get_root", "", "pocket.parameters.explaining:omegaconf_reason", ("self",)),
    Canary("omegaconf:Container", "_content", "pocket.parameters.plain:to_plain"),
    Canary("omegaconf.nodes:ValueNode", "_val", "pocket.parameters.plain:to_plain"),
    Canary("matplotlib.mathtext:MathTextParser", "_output_type", "pocket.plots.quick_drawing:shared_formulas"),
    Canary("law.workflow.base:BaseWorkflow", "_workflow_task", "tasks.framework.workflow:PoolWorkflow._make_branch"),
    Canary("law.task.base:Task._remove_output", "", "tasks.framework.base:StoreTask", ("self", "args")),
    Canary(f"{BASE_PROXY}._can_skip_job", "", RETRYING, ("self", "job_num", "branches")),
    Canary(BASE_PROXY, "_job_retries", RETRYING),
    Canary(BASE_PROXY, "_skip_jobs", RETRYING),
    Canary(f"{BASE_PROXY}._submit_group", "", SUBMISSION, ("self", "submit_jobs")),
    Canary(f"{BASE_PROXY}._submit_batch", "", SUBMISSION, ("self", "submit_jobs")),
    Canary(BASE_PROXY, "_dump_lock", SUBMISSION),
    Canary(
        "tornado.iostream:SSLIOStream.close", "", "pocket.executors.openssl:keep_errors_apart", ("self", "exc_info")
    ),
)

#: private name of law → what law could offer in its place, to be proposed there; luigi has none
PROPOSALS = {
    "_can_skip_job": "an option that keeps no negative answer, since a job may finish after it was asked",
    "_dump_lock": "a public context in which the record of jobs is written",
    "_job_retries": "a hook that says whether a failed job is retried, given its error",
    "_remove_output": "a look at all outputs before the first one is removed",
    "_skip_jobs": "the same as for _can_skip_job",
    "_submit_batch": "a hook that divides jobs into submissions, by the resources that each needs",
    "_submit_group": "the same as for _submit_batch",
    "_workflow_task": "an argument of as_branch by which a workflow makes a branch without looking at all parameters",
}
