"""Files made, edited, renamed and deleted in the browser. Each is one commit, or one pull request."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import acting_user
from hub.core import markdown
from hub.core.exceptions import HubError, OverLimit
from hub.pages.changes import ChangeForm, carry_out, open_for_change
from hub.pages.files import crumbs, text_of
from hub.pages.repository import Opened, open_repository, places
from models_registry import addresses
from models_registry.cards import CardFault, read_card
from models_registry.exceptions import EntryNotFound, FileToDeleteMissing, NotEditable, PathConflict, StaleHead
from models_registry.paths import path_fault
from models_registry.permissions import Action, require
from models_registry.services.heads import CARD, read_small_file
from models_registry.types import AddFile, CopyFile, DeleteFile, Operation

MAX_EDIT_BYTES = 512 * 1024
BOM = "\ufeff"


class PathField(forms.CharField):
    """Where in the repository something is to be: exactly what was written, or why that cannot be."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        super().__init__(max_length=1024, strip=False, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> str:
        path = str(super().clean(value))
        fault = path_fault(path)
        if fault:
            raise forms.ValidationError(_(fault))
        return path


class EditForm(ChangeForm):
    """A file's path and text."""

    path = PathField(label=_("Path"))
    content = forms.CharField(
        label=_("Content"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 24, "spellcheck": "false", "class": "mono", "wrap": "off", "data-editor": ""}
        ),
    )

    def clean_content(self) -> str:
        """Browsers send lines that end in CRLF, whatever the file has."""
        content = str(self.cleaned_data["content"]).replace("\r\n", "\n")
        if len(content.encode("utf-8", "replace")) > MAX_EDIT_BYTES:
            raise forms.ValidationError(_("Too long to edit here. Upload it as a file."))
        return content

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("path") == CARD and "content" in data:
            try:
                read_card(data["content"])
            except CardFault as fault:
                text = gettext("The front matter is not valid. %(reason)s") % {"reason": fault}
                self.add_error("content", text)
        return data


class MoveForm(ChangeForm):
    to = PathField(label=_("New path"))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_file(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str = "") -> HttpResponse:
    """A file that was not there. The folder it is asked from is suggested."""
    opened, _user, ways = open_for_change(request, kind, namespace, name, revision)
    folder = path.strip("/")
    form = EditForm(
        request.POST if request.method == "POST" else None,
        opened=opened,
        ways=ways,
        suggested=gettext("Add %(path)s") % {"path": request.POST.get("path", "")[:200] or gettext("a file")},
        initial={"path": f"{folder}/" if folder else ""},
    )
    if form.is_valid():
        target = form.cleaned_data["path"]
        if target in opened.listing.files:
            form.add_error("path", gettext("There is a file of this name already."))
        else:
            operation = AddFile(target, form.cleaned_data["content"].encode())
            after = addresses.at(opened.repository, "blob", revision, target)
            try:
                return carry_out(request, form, [operation], touched=[target], after=after)
            except StaleHead:
                form.add_error("path", gettext("Somebody has made a file of this name meanwhile."))
            except HubError as error:
                form.add_error("path", str(error))
    return _editor(request, opened, form, path="", folder=folder)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_file(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str) -> HttpResponse:
    """A file's text, to be changed. If somebody else was quicker, both texts are shown, and nothing is lost."""
    opened, _user, ways = open_for_change(request, kind, namespace, name, revision)
    is_sent = request.method == "POST"
    # What was written is not lost if the file is gone by now: the form is then about nothing that is there.
    text = "" if is_sent and path not in opened.listing.files else _editable(opened, path)
    form = EditForm(
        request.POST if is_sent else None,
        opened=opened,
        ways=ways,
        suggested=gettext("Update %(path)s") % {"path": path},
        initial={"path": path, "content": text.removeprefix(BOM).replace("\r\n", "\n")},
    )
    if form.is_valid():
        try:
            return _save(request, form, path, text)
        except StaleHead:
            return _conflict(request, opened, form, path)
        except HubError as error:
            form.add_error("path" if isinstance(error, PathConflict) else "content", str(error))
    return _editor(request, opened, form, path=path, folder=path.rpartition("/")[0])


def _save(request: HttpRequest, form: EditForm, path: str, before: str) -> HttpResponse:
    """Write the text as the file was written: with its mark of byte order and its ends of lines."""
    target, content = form.cleaned_data["path"], form.cleaned_data["content"]
    if "\r\n" in before and "\n" not in before.replace("\r\n", ""):
        content = content.replace("\n", "\r\n")
    if before.startswith(BOM):
        content = BOM + content
    operations: list[Operation] = [AddFile(target, content.encode())]
    files = form.opened.listing.files
    if target != path:
        if target in files:
            raise PathConflict(path=target, other=target, reason=gettext("There is a file of this name already."))
        if path in files:
            operations.insert(0, DeleteFile(path))
    after = addresses.at(form.opened.repository, "blob", form.opened.revision, target)
    return carry_out(request, form, operations, touched=[path, target], after=after)


def _conflict(request: HttpRequest, opened: Opened, form: EditForm, path: str) -> HttpResponse:
    """What the file is now beside what she wrote; saving again puts hers on top of it."""
    data = request.POST.copy()
    data["head"] = opened.commit.oid
    again = EditForm(data, opened=opened, ways=form.ways, suggested=form.suggested)
    entry = opened.listing.files.get(path)
    theirs = text_of(opened, entry) if entry else None
    return _editor(request, opened, again, path=path, folder=path.rpartition("/")[0], theirs=theirs or "", status=409)


def _editable(opened: Opened, path: str) -> str:
    """A file's text, exactly.

    Raises:
        EntryNotFound: there is no such file.
        NotEditable: large, held back, or no text.
    """
    if path not in opened.listing.files:
        raise EntryNotFound(path=path[:300], revision=opened.revision)
    if path in opened.commit.held and not opened.may_write:
        raise NotEditable(path=path[:300], reason="It is held back.")
    body = read_small_file(opened.repository, opened.listing, path, limit=MAX_EDIT_BYTES)
    if body is None:
        raise NotEditable(path=path[:300], reason="It is too large. Upload another version instead.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotEditable(path=path[:300], reason="It is not text. Upload another version instead.") from error


def _editor(
    request: HttpRequest,
    opened: Opened,
    form: EditForm,
    *,
    path: str,
    folder: str,
    theirs: str | None = None,
    status: int = 0,
) -> HttpResponse:
    context = opened.context("files") | {
        "form": form,
        "path": path,
        "crumbs": crumbs(path or folder),
        "theirs": theirs,
        "preview_url": addresses.at(opened.repository, "preview", opened.revision),
        "cancel_url": addresses.at(opened.repository, "blob", opened.revision, path)
        if path
        else addresses.at(opened.repository, "tree", opened.revision, folder),
    }
    return render(request, "models_registry/edit.html", context, status=status or (400 if form.errors else 200))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str) -> HttpResponse:
    """A file or folder under another path."""
    opened, _user, ways = open_for_change(request, kind, namespace, name, revision)
    path = path.strip("/")
    inside = _inside(opened, path)
    is_file = path in opened.listing.files
    given = request.POST.get("to", "")[:200]
    form = MoveForm(
        request.POST if request.method == "POST" else None,
        opened=opened,
        ways=ways,
        suggested=gettext("Rename %(path)s to %(to)s") % {"path": path, "to": given or "…"},
        initial={"to": path},
    )
    if form.is_valid():
        to = form.cleaned_data["to"]
        targets = {old: to + old[len(path) :] for old in inside}
        taken = [new for new in targets.values() if new in opened.listing.files and new not in targets]
        if to == path or taken:
            form.add_error("to", gettext("There is a file of this name already."))
        else:
            operations: list[Operation] = [CopyFile(new, old) for old, new in targets.items()]
            operations += [DeleteFile(old) for old in inside if old not in set(targets.values())]
            after = addresses.at(opened.repository, "blob" if is_file else "tree", revision, to)
            try:
                return carry_out(request, form, operations, touched=[*inside, *targets.values()], after=after)
            except HubError as error:
                form.add_error("to", str(error))
    context = opened.context("files") | {"form": form, "path": path, "crumbs": crumbs(path), "count": len(inside)}
    return render(request, "models_registry/move_path.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, kind: str, namespace: str, name: str, revision: str, path: str) -> HttpResponse:
    """A file or folder away. The history keeps it."""
    opened, _user, ways = open_for_change(request, kind, namespace, name, revision)
    path = path.strip("/")
    inside = _inside(opened, path)
    form = ChangeForm(
        request.POST if request.method == "POST" else None,
        opened=opened,
        ways=ways,
        suggested=gettext("Delete %(path)s") % {"path": path},
    )
    fault = ""
    if form.is_valid():
        after = addresses.at(opened.repository, "tree", revision, _living_folder(opened, path, set(inside)))
        try:
            return carry_out(request, form, [DeleteFile(each) for each in inside], touched=inside, after=after)
        except (StaleHead, FileToDeleteMissing):
            fault = gettext("Somebody has changed it meanwhile. Look at it again before you delete it.")
        except HubError as error:
            fault = str(error)
    context = opened.context("files") | {
        "form": form,
        "path": path,
        "crumbs": crumbs(path),
        "inside": inside[:20],
        "count": len(inside),
        "fault": fault,
    }
    return render(request, "models_registry/delete_path.html", context, status=400 if form.errors or fault else 200)


def _inside(opened: Opened, path: str) -> list[str]:
    """The file of that path, or all files of that folder.

    Raises:
        EntryNotFound: there is neither.
    """
    files = opened.listing.files
    found = [path] if path in files else sorted(each for each in files if each.startswith(f"{path}/"))
    if not found:
        raise EntryNotFound(path=path[:300], revision=opened.revision)
    return found


def _living_folder(opened: Opened, path: str, gone: set[str]) -> str:
    """The nearest folder above that will still hold something."""
    left = [each for each in opened.listing.files if each not in gone]
    folder = path.rpartition("/")[0]
    while folder and not any(each.startswith(f"{folder}/") for each in left):
        folder = folder.rpartition("/")[0]
    return folder


@login_required
@require_POST
def preview(request: HttpRequest, kind: str, namespace: str, name: str, revision: str) -> HttpResponse:
    """Markdown as it would be shown, for the editor."""
    opened = open_repository(request, kind, namespace, name, revision)
    require(acting_user(request), Action.PROPOSE, opened.repository)
    text, path = request.POST.get("content", ""), request.POST.get("path", "")
    html, fault = "", ""
    try:
        body = read_card(text).body if path == CARD else text
        html = markdown.render(body[:MAX_EDIT_BYTES], places(opened, path.rpartition("/")[0][:1024]))
    except CardFault as error:
        fault = gettext("The front matter is not valid. %(reason)s") % {"reason": error}
    except OverLimit as error:
        fault = str(error)
    return render(request, "models_registry/partials/_file_preview.html", {"html": html, "fault": fault})
