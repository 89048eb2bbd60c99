"""The refusals of evaluation."""

from hub.core.exceptions import Conflict, HubError, Invalid, NotFound, Unavailable


class LeaseLost(HubError):
    """This worker no longer owns the run: it was silent for too long, or the run was asked for anew."""

    code = "lease_lost"
    message = "Run {run} is no longer worked on under attempt {attempt}."


class ScannerUnavailable(Unavailable):
    code = "scanner_unavailable"
    message = "The scan waits for its virus scanner: {reason}."


class RunStillOpen(Conflict):
    code = "run_still_open"
    message = "This step has not ended yet. Wait until it has, then ask for it again."


class NothingToCancel(Conflict):
    code = "nothing_to_cancel"
    message = "Nothing of this is open any more, so there is nothing to cancel."


class NoSuchRun(NotFound):
    code = "no_such_run"
    message = "This evaluation has no step {step} {benchmark}."


class NotMeasured(NotFound):
    code = "not_measured"
    message = "Commit {commit} of {repository} was not measured: only files on a model's default branch are."


class ReceiptNotFound(NotFound):
    code = "receipt_not_found"
    message = "There is no receipt {sha256}."


class ItemsNotFound(NotFound):
    code = "items_not_found"
    message = "No outputs by item are kept for receipt {sha256}."


class BenchmarkNotFound(NotFound):
    code = "benchmark_not_found"
    message = "There is no version {version} of a benchmark {key}."


class ModelMissing(NotFound):
    code = "model_not_found"
    message = "There is no model {name}."


class BoardNotFound(NotFound):
    code = "leaderboard_not_found"
    message = "There is no leaderboard {board}."


class BenchmarkInvalid(Invalid):
    code = "benchmark_invalid"
    message = "The benchmark {key} cannot be registered. {reason}"


class DataMissing(Invalid):
    code = "benchmark_data_missing"
    message = "The data of {benchmark} cannot be used: {path} {reason}"


class FilesUnavailable(Unavailable):
    code = "files_unavailable"
    message = "{path} cannot be read from the store now."


class ImportFault(Invalid):
    """Data that were to be imported are not what their list says."""

    code = "import_fault"
    message = "{path}: {reason}"


class SourceUnavailable(Unavailable):
    code = "source_unavailable"
    message = "{url} cannot be had now. {reason}"


class NoSuchSplit(NotFound):
    code = "no_such_split"
    message = "This data set has no split “{split}” in a configuration “{config}”."


class TableUnreadable(Invalid):
    code = "table_unreadable"
    message = "These rows cannot be shown. {reason}"


class TableNotReady(Unavailable):
    code = "table_not_ready"
    message = "{path} is being put together for reading. Ask again in a few seconds."


class TableBusy(Unavailable):
    code = "table_busy"
    message = "Other tables are being read just now. Ask again in a few seconds."


class InvalidPolicy(Invalid):
    code = "gate_policy_invalid"
    message = "This cannot be the gate's policy. {reason}"


class MergeBlocked(Conflict):
    code = "merge_blocked"
    message = "#{number} cannot be merged by this repository's gate. {reason}"


class NotCompared(Conflict):
    code = "not_compared"
    message = "{what}"


class SuiteNotFound(NotFound):
    code = "suite_not_found"
    message = "There is no suite “{suite}”."


class NothingToConvert(Conflict):
    code = "nothing_to_convert"
    message = "Commit {commit} has safetensors already, or no single pickle or Keras file at its top to make them of."
