"""Rows of the table: files changed in the browser, and the settings of a repository. The same for each kind."""

from typing import Any

from tests.access.routes import FORM, Access, Route, form, page

CHANGE = "way=propose&head=none&title=Try&content=x"  # What anybody who reads may do: propose a change.
_PART = '--x\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
UPLOAD = (
    _PART.format("chosen", '; filename="new.txt"', "x")
    + _PART.format("way", "", "propose")
    + _PART.format("head", "", "none")
    + "--x--\r\n"
)


def file_pages(name: str, at: str, only: dict[str, Any]) -> dict[str, Route]:
    """Of one kind: `name` begins the routes' names, `at` their addresses."""
    return {
        f"{name}_file_history": page(f"{at}/commits/main/config.json", **only),
        f"{name}_find": page(f"{at}/find/main?q=config", **only),
        f"{name}_new_file": form(
            f"{at}/new/main", Access.DISCUSS, body=CHANGE + "&path=new.txt", content_type=FORM, **only
        ),
        f"{name}_new_file_in": form(
            f"{at}/new/main/sub", Access.DISCUSS, body=CHANGE + "&path=sub/new.txt", content_type=FORM, **only
        ),
        f"{name}_edit": form(
            f"{at}/edit/main/config.json",
            Access.DISCUSS,
            body=CHANGE + "&path=config.json",
            content_type=FORM,
            **only,
        ),
        f"{name}_move": form(
            f"{at}/move/main/config.json", Access.DISCUSS, body=CHANGE + "&to=c.json", content_type=FORM, **only
        ),
        f"{name}_delete": form(f"{at}/delete/main/config.json", Access.DISCUSS, body=CHANGE, content_type=FORM, **only),
        f"{name}_preview": Route(
            f"{at}/preview/main", {"POST": Access.DISCUSS}, "content=x", FORM, is_page=True, **only
        ),
        f"{name}_settings": form(
            f"{at}/settings", Access.ADMINISTER, body="default_branch=main", content_type=FORM, **only
        ),
        f"{name}_settings_visibility": form(
            f"{at}/settings/visibility", Access.ADMINISTER, body="visibility=private", content_type=FORM, **only
        ),
        f"{name}_settings_licence": form(
            f"{at}/settings/licence", Access.DISCUSS, body="licence=mit", content_type=FORM, **only
        ),
        f"{name}_settings_names": form(
            f"{at}/settings/names", Access.ADMINISTER, body="owner=harbour&name=renamed", content_type=FORM, **only
        ),
        f"{name}_settings_danger": form(
            f"{at}/settings/danger", Access.ADMINISTER, body="name={repo}", content_type=FORM, **only
        ),
    }
