"""Settings through both lines of the public client."""

import pytest

from tests.contracts.clients import Clients, scenarios

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
SUBJECT = "settings"


@pytest.mark.parametrize(("line", "name"), scenarios(SUBJECT))
def test_client(clients: Clients, line: str, name: str) -> None:
    clients.check(line, SUBJECT, name)
