"""The examples name what exists: settings, commands, folders, queues."""

import re
import shlex

import pytest
import yaml

from hub.celery import app
from tests.architecture.test_settings import read_names
from tests.requirements import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNITS = sorted(DEPLOY.glob("*.service"))
OTHERS = {"DJANGO_SETTINGS_MODULE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
OURS = ["web", "worker", "housekeeping", "scheduler"]


def example() -> dict[str, str]:
    lines = (DEPLOY / "env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", OURS)
def test_services_set_variables_that_the_hub_reads(name):
    unknown = set(COMPOSE["services"][name]["environment"]) - read_names() - OTHERS
    assert not unknown


def test_every_value_that_compose_wants_is_in_the_example():
    wanted = set(re.findall(r"\$\{([A-Z0-9_]+)\}", (DEPLOY / "compose.yaml").read_text()))
    assert wanted == set(example())


def test_no_secret_has_a_usable_value():
    values = example()
    assert values["SMALLHUB_SECRET_KEY"] == ""
    assert all(values[name].startswith("change-me") for name in ("POSTGRES_PASSWORD", "S3_KEY", "S3_SECRET"))


def test_all_that_is_needed_is_there():
    assert set(COMPOSE["services"]) == {*OURS, "postgres", "redis", "objects", "front"}
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file()


def test_the_build_names_files_that_exist():
    build = COMPOSE["services"]["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    command = re.search(r'CMD \["sh", "(.+)"\]', (DEPLOY / "Dockerfile").read_text())
    assert command
    assert (ROOT / command[1]).is_file()


def test_the_blobs_setting_is_one_that_the_hub_takes(tmp_path):
    from models_registry.storage.blobs import S3BlobStore, open_store

    store = open_store(COMPOSE["services"]["web"]["environment"]["SMALLHUB_BLOBS"], scratch=tmp_path)
    assert isinstance(store, S3BlobStore)
    assert store.place.create


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_units_start_commands_of_this_tree(unit):
    text = unit.read_text()
    command = shlex.split(re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)[1])
    assert command[0] == "/srv/smallhub/.venv/bin/python"
    assert command[1:3] == ["manage.py", "up"] or command[1:5] == ["-m", "celery", "-A", "hub"]
    assert "ReadWritePaths=/srv/smallhub/data" in text


def test_every_queue_has_a_worker_in_units_and_containers():
    queues = {app.conf.task_default_queue} | {route["queue"] for route in app.conf.task_routes.values()}
    units = " ".join(unit.read_text() for unit in UNITS)
    containers = str([service.get("command") for service in COMPOSE["services"].values()])
    for found in (units, containers):
        assert all(re.search(rf"[ ,'\"]{queue}[ ,'\"]", found) for queue in queues)


def test_the_containers_front_server_has_the_same_rules():
    plain = (DEPLOY / "nginx-hub.conf").read_text().replace("http://127.0.0.1:8000", "http://web:8000")
    inside = (DEPLOY / "nginx-compose.conf").read_text()
    rules = [line.strip() for line in plain.splitlines()[1:] if line.strip()]
    assert all(rule in inside for rule in rules)
