"""Every public method of the client is tried, or named here with the reason why not."""

import json
import subprocess

import pytest

from tests.contracts.clients import LINES, SUBJECTS, declared, python_of

_ELSEWHERE = {
    "jobs run on machines of the public service": (
        "cancel_job create_scheduled_job create_scheduled_uv_job delete_scheduled_job fetch_job_logs fetch_job_metrics "
        "inspect_job inspect_scheduled_job list_jobs list_jobs_hardware list_scheduled_jobs rerun_job "
        "resume_scheduled_job run_job run_uv_job suspend_scheduled_job sync_job_volume trigger_scheduled_job "
        "update_job_expose update_job_labels update_scheduled_job_labels update_scheduled_job_schedule wait_for_job"
    ),
    "inference endpoints are a service of another host": (
        "create_inference_endpoint create_inference_endpoint_from_catalog delete_inference_endpoint "
        "get_inference_endpoint list_inference_catalog list_inference_endpoints list_inference_endpoints_hardware "
        "pause_inference_endpoint resume_inference_endpoint scale_to_zero_inference_endpoint update_inference_endpoint"
    ),
    "spaces are not run here": (
        "add_space_secret add_space_variable delete_space_secret delete_space_storage delete_space_variable "
        "delete_space_volumes disable_space_dev_mode duplicate_space enable_space_dev_mode fetch_space_logs "
        "get_space_runtime get_space_secrets get_space_variables get_zero_gpu_quota list_space_templates "
        "list_spaces_hardware pause_space request_space_hardware request_space_storage restart_space search_spaces "
        "set_space_sleep_time set_space_volumes wait_for_space"
    ),
    "buckets are not offered": (
        "batch_bucket_files bucket_info create_bucket delete_bucket download_bucket_files get_bucket_file_metadata "
        "get_bucket_paths_info list_bucket_tree list_buckets move_bucket sync_bucket update_bucket_settings"
    ),
    "papers are not offered": "list_daily_papers list_papers paper_info read_paper",
    "kernels are not offered": "kernel_info",
    "there are no resource groups": "update_collection_resource_group",
    "the viewer of the public service keeps a copy as Parquet; this hub reads the files themselves": (
        "list_dataset_parquet_files"
    ),
    "leaderboards of other hubs are not kept": "get_dataset_leaderboard",
}
NOT_TRIED = {name: reason for reason, names in _ELSEWHERE.items() for name in names.split()}


def methods_of(line: str) -> set[str]:
    code = "import json; from huggingface_hub import HfApi as a; print(json.dumps([n for n in dir(a) if n[0] != '_']))"
    done = subprocess.run([python_of(line), "-c", code], capture_output=True, text=True, check=True)
    return {name for name in json.loads(done.stdout) if name not in {"endpoint", "token"}}


def tried(line: str) -> set[str]:
    return {
        method
        for subject in SUBJECTS
        for each in declared(subject)
        if each.only in ("", line)
        for method in each.methods
    }


@pytest.mark.parametrize("line", LINES)
def test_every_method_is_tried_or_named_with_the_reason(line: str) -> None:
    methods = methods_of(line)

    assert sorted(methods - tried(line) - NOT_TRIED.keys()) == []
    assert sorted(tried(line) - methods) == [], "named in a scenario, but the client has no such method"


def test_reasons_are_given_for_nothing_that_is_tried() -> None:
    assert sorted(NOT_TRIED.keys() & set.union(*(tried(line) for line in LINES))) == []


def test_scenarios_have_names_of_their_own() -> None:
    for subject in SUBJECTS:
        names = [each.name for each in declared(subject)]
        assert len(names) == len(set(names)) > 0
