"""Who may do what with verdicts: comparisons of what was measured, the gate, badges, the states of a commit."""

from tests.access.routes import FORM, Access, Route, form, page, post, read

_V1 = "/api/v1/models/{repo}"

V1_ROUTES: dict[str, Route] = {
    "evaluation_v1:comparison": Route(
        _V1 + "/comparisons/old..main",
        {"GET": Access.READ, "HEAD": Access.READ, "POST": Access.LIKE},
        also=(409,),  # The two are not measured here.
    ),
    "evaluation_v1:gate": Route(
        _V1 + "/gate",
        {"GET": Access.READ, "HEAD": Access.READ, "PUT": Access.ADMINISTER},
        body={"mode": "warn"},
    ),
    "evaluation_v1:gate_override": Route(
        _V1 + "/releases/v1.0.0/gate",
        {"POST": Access.ADMINISTER},
        body={"reason": "Try"},
        also=(409,),  # It has passed already.
    ),
    "evaluation_v1:statuses": read(_V1 + "/statuses/main"),
}

PAGES: dict[str, Route] = {
    "model_discussion_measure": post("/{repo}/discussions/2/measure", Access.WRITE),
    "model_versions": page("/{repo}/versions"),
    "model_flips": page("/{repo}/flips/old..main?benchmark=pairs"),
    "model_badge": page("/{repo}/badge.svg"),
    "model_badge_json": page("/{repo}/badge.json"),
    "model_settings_gate": form("/{repo}/settings/gate", Access.ADMINISTER, body="mode=warn", content_type=FORM),
}
