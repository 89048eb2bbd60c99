"""Pictures for comments (E37): sent by their bytes, shown under a policy that lets nothing in them act."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.authentication import acting_user
from hub.core.bodies import read_body
from models_registry.api.lookup import endpoint
from models_registry.services import attachments


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """E37. The answer is the picture's address, as text."""
    user = acting_user(request)
    made = attachments.attach(user=user, body=read_body(request, limit=attachments.MAX_BYTES))
    return HttpResponse(f"{endpoint(request)}/uploads/{made.public_id}", content_type="text/plain")


@require_safe
def show(request: HttpRequest, public_id: str) -> HttpResponse:
    """A picture, to its sender and to whom a thread with it is shown."""
    found = attachments.find_attachment(request.user, public_id)
    response = HttpResponse(bytes(found.body), content_type=found.media_type)
    response["Content-Disposition"] = "inline"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=3600"
    return response
