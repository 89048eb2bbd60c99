"""Who may do what with gates: asking, deciding, settling."""

from typing import Any

from tests.access.routes import FORM, Access, Route, page, post


def gate_pages(at: str, name: str, only: dict[str, Any]) -> dict[str, Route]:
    """The pages of one kind of repository."""
    return {
        f"{name}_ask_access": Route(
            f"{at}/ask-access",
            {"GET": Access.LIKE, "HEAD": Access.LIKE, "POST": Access.LIKE},
            body="",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_access": page(f"{at}/settings/access", Access.WRITE, **only),
        f"{name}_access_gate": Route(
            f"{at}/settings/access/gate",
            {"GET": Access.ADMINISTER, "HEAD": Access.ADMINISTER, "POST": Access.ADMINISTER},
            body="gated=",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_access_carry": post(f"{at}/settings/access/gate/carry", Access.ADMINISTER, **only),
        f"{name}_access_version": Route(
            f"{at}/settings/access/gate/versions/2",
            {"POST": Access.ADMINISTER},
            body="is_minor=1",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_access_decide_many": Route(
            f"{at}/settings/access/decide",
            {"POST": Access.WRITE},
            body="status=accepted&request={asking}",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_access_grant": Route(
            f"{at}/settings/access/grant",
            {"POST": Access.WRITE},
            body="user=nobody",
            content_type=FORM,
            is_page=True,
            **only,
        ),
        f"{name}_access_export": page(f"{at}/settings/access/export", Access.WRITE, **only),
        f"{name}_access_decide": Route(
            f"{at}/settings/access/{{asking}}",
            {"POST": Access.WRITE},
            body="status=accepted",
            content_type=FORM,
            is_page=True,
            **only,
        ),
    }
