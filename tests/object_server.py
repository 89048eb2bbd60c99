"""A real S3 server for tests: that of the whole run, named by SMALLHUB_BLOBS, or one started when it is asked for."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config

from models_registry.storage.blobs.objects import S3Place
from tests.requirements import require

ROOT = Path(__file__).resolve().parent.parent
# As the run was started; a test changes settings, not the environment.
_OF_THIS_RUN = os.environ.get("SMALLHUB_BLOBS", "")
_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SMALLHUB_BLOBS")


def is_the_store_of_this_run() -> bool:
    return _OF_THIS_RUN.startswith("s3://")


def own_prefix(url: str = "") -> str:
    """An address on the server that nobody else uses."""
    parts = urlsplit(url or _OF_THIS_RUN)
    return urlunsplit(parts._replace(path=f"/{uuid.uuid4().hex}"))


@contextmanager
def running() -> Iterator[str]:
    """The server's address. Skips where it cannot be had."""
    if is_the_store_of_this_run():
        yield _OF_THIS_RUN
        return
    require("s3")
    tell = "; ".join(f'echo "${name}"' for name in _NAMES)
    command = [ROOT / "scripts" / "with-services", "--only-s3", "bash", "-c", f"{tell}; exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as services:
        assert services.stdin is not None
        assert services.stdout is not None
        try:
            values = [services.stdout.readline().strip() for _ in _NAMES]
            assert all(values), "The S3 server did not come up; see above."
            os.environ.update(zip(_NAMES[:2], values[:2], strict=True))
            yield values[2]
        finally:
            services.stdin.close()
            services.wait(timeout=60)


def plain_client(url: str):
    """The server as a stranger to our store sees it."""
    place = S3Place.of(url)
    return boto3.client(
        "s3",
        endpoint_url=place.endpoint_url,
        region_name=place.region,
        config=Config(
            s3={"addressing_style": "path"},
            proxies={},  # A test may name one that does not exist.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def empty(url: str) -> None:
    """Remove all that one test left."""
    place, client = S3Place.of(url), plain_client(url)
    try:
        listed = client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix)
    except client.exceptions.NoSuchBucket:  # No test has stored anything yet.
        return
    while keys := [{"Key": entry["Key"]} for entry in listed.get("Contents", ())]:
        client.delete_objects(Bucket=place.bucket, Delete={"Objects": keys, "Quiet": True})
        listed = client.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix)
