"""Who may do what with licences: reports, notices, bills of materials, records, rules."""

from tests.access.routes import ALL, Access, Route, form, page, read

_AT = "/api/v1/{v1}/{repo}"
LICENCE_ROUTES: dict[str, Route] = {
    "registry_v1:licences": Route(
        "/api/v1/licences", {"GET": Access.OPEN, "HEAD": Access.OPEN, "POST": Access.OPEN}, body={"items": []}
    ),
    "registry_v1:licence_record": Route("/api/v1/licences/MIT", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "registry_v1:licence_rules": Route("/api/v1/licence-rules", {"GET": Access.OPEN, "HEAD": Access.OPEN}),
    "registry_v1:licence_policy": Route(
        "/api/v1/namespaces/{namespace}/licence-policy",
        {"GET": Access.OWN, "HEAD": Access.OWN, "PUT": Access.OWN},
        body={"mode": "inform"},
    ),
    "registry_v1:licence_allowance": Route(
        "/api/v1/namespaces/{namespace}/licence-allowance",
        {"GET": Access.OWN, "HEAD": Access.OWN, "PUT": Access.OWN},
        body={"allow": []},
    ),
    "registry_v1:licence": read(f"{_AT}/licence", kinds=ALL),
    "registry_v1:notice": read(f"{_AT}/notice", kinds=ALL),
    "licences": page("/licences", Access.OPEN),
    "licence_page": page("/licences/MIT", Access.OPEN),
    "organisation_licences_allowed": form("/settings/organizations/{namespace}/licences/allowed", Access.OWN),
    "evaluation_v1:sbom": read(f"{_AT}/sbom", kinds=ALL),
}
