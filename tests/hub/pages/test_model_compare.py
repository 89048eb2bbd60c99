"""Models side by side by address."""

import pytest
from django.test import Client

from models_registry.models import Visibility
from models_registry.services.settings import Changes, update_settings
from tests.factories.pages import benchmark, measured, model

pytestmark = pytest.mark.django_db


def test_two_models_side_by_side_with_verdicts_costs_and_licences(client: Client) -> None:
    pairs, other = benchmark(), benchmark("other", "Other set")
    one, two = model(), model()
    measured(one, {pairs: 0.6, other: 0.7}, bytes=1_000_000)
    measured(two, {pairs: 0.8}, bytes=2_000_000)
    page = client.get(f"/compare?models={one.full_name}&models={two.full_name.upper()}").content.decode()
    assert "60.0" in page
    assert "80.0" in page
    assert "verdict--better" in page
    assert "not measured" in page
    assert "+20.0" in page
    assert "by intervals" in page
    for fact in ("1 MB", "2 MB", "Apache-2.0", "English", one.head[:7]):
        assert fact in page, fact
    turned = client.get(f"/compare?models={two.full_name},{one.full_name}").content.decode()
    assert "verdict--worse" in turned


def test_what_cannot_be_shown_is_said(client: Client) -> None:
    pairs = benchmark()
    models = [model() for _ in range(5)]
    for row in models:
        measured(row, {pairs: 0.7})
    hidden = models[0]
    update_settings(repository=hidden, user=hidden.creator, changes=Changes(visibility=Visibility.PRIVATE))
    page = client.get(f"/compare?models={hidden.full_name}&models={models[1].full_name}").content.decode()
    assert f"There is no model {hidden.full_name}." in page
    assert "nobody/nothing" in client.get("/compare?models=nobody/nothing").content.decode()
    many = "&".join(f"models={row.full_name}" for row in [*models[1:], models[0]])
    assert "4 fit side by side" in client.get(f"/compare?{many}").content.decode()
    empty = client.get("/compare").content.decode()
    assert models[1].full_name in empty
    assert hidden.full_name not in empty
    assert client.get("/compare?models=%20,,&models=a%2Fb%2Fc").status_code == 200


def test_a_comparison_takes_as_many_queries_however_much_is_measured(
    client: Client, django_assert_max_num_queries
) -> None:
    sets = [benchmark(f"set-{number}", f"Set {number}") for number in range(5)]
    one, two = model(), model()
    measured(one, dict.fromkeys(sets, 0.6))
    measured(two, dict.fromkeys(sets, 0.7))
    address = f"/compare?models={one.full_name}&models={two.full_name}"
    client.get(address)  # What the same items say is remembered from here on.
    with django_assert_max_num_queries(6):
        client.get(address)
