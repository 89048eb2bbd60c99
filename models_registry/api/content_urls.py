"""Addresses by which content travels: Xet tokens, the chunk store, git-lfs, Git itself."""

from django.urls import path

from models_registry.api import cas, git, lfs, xet_tokens

_REPO = "api/<kind:kind>/<name:namespace>/<name:name>"
_CAS = "cas/<slug:space>"

urlpatterns = [
    path(f"{_REPO}/xet-write-token/<rev:rev>", xet_tokens.write_token, name="xet_write_token"),
    path(f"{_REPO}/xet-read-token/<rev:rev>", xet_tokens.read_token, name="xet_read_token"),
    path(f"{_CAS}/v1/xorbs/<slug:prefix>/<str:xorb_hash>", cas.xorb, name="cas_xorb"),
    path(f"{_CAS}/v1/shards", cas.shard, name="cas_shard"),
    path(f"{_CAS}/v2/shards", cas.shard_stream, name="cas_shard_stream"),
    path(f"{_CAS}/v1/reconstructions/<str:file_hash>", cas.reconstruction_v1, name="cas_reconstruction_v1"),
    path(f"{_CAS}/v2/reconstructions/<str:file_hash>", cas.reconstruction_v2, name="cas_reconstruction_v2"),
    path(f"{_CAS}/v1/data/<str:signed>", cas.data, name="cas_data"),
    path(f"{_CAS}/v1/chunks/<slug:prefix>/<str:chunk_hash>", cas.chunk, name="cas_chunk"),
    path(f"{_CAS}/v1/xorb-grants/<path:rest>", cas.no_grants, name="cas_no_grants"),
    path(f"{_CAS}/v1/xorb-commits/<path:rest>", cas.no_grants, name="cas_no_commits"),
    path("v1/telemetry", cas.telemetry, name="cas_telemetry"),
    path(f"{_CAS}/v1/telemetry", cas.telemetry, {}, name="cas_telemetry_below"),
]
for _kind, _prefix in (("models", ""), ("datasets", "datasets/"), ("spaces", "spaces/")):
    _name = f"{_prefix}<name:namespace>/<name:name>"  # With or without `.git` behind the name.
    _base = f"{_name}/info/lfs"
    _which = {"kind": _kind}
    urlpatterns += [
        path(f"{_name}/info/refs", git.info_refs, _which, name=f"git_info_refs_{_kind}"),
        path(f"{_name}/git-upload-pack", git.upload_pack, _which, name=f"git_upload_pack_{_kind}"),
        path(f"{_name}/git-receive-pack", git.receive_pack, _which, name=f"git_receive_pack_{_kind}"),
    ]
    urlpatterns += [
        path(f"{_base}/objects/batch", lfs.batch, _which, name=f"lfs_batch_{_kind}"),
        path(f"{_base}/upload/<str:signed>", lfs.upload, _which, name=f"lfs_upload_{_kind}"),
        path(f"{_base}/part/<str:signed>", lfs.upload_part, _which, name=f"lfs_part_{_kind}"),
        path(f"{_base}/complete/<str:signed>", lfs.complete, _which, name=f"lfs_complete_{_kind}"),
        path(f"{_base}/verify/<str:signed>", lfs.verify, _which, name=f"lfs_verify_{_kind}"),
        path(f"{_base}/download/<str:signed>", lfs.download, _which, name=f"lfs_download_{_kind}"),
        path(f"{_base}/locks", lfs.locks, _which, name=f"lfs_locks_{_kind}"),
        path(f"{_base}/locks/verify", lfs.verify_locks, _which, name=f"lfs_verify_locks_{_kind}"),
    ]
