"""Files that a plain form brings: each stored as the repository's own rules say, then one change of all of them."""

import hashlib
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.authentication import acting_user
from hub.pages.changes import ChangeForm, carry_out
from models_registry import addresses
from models_registry.exceptions import InvalidPath
from models_registry.modes import UploadRules
from models_registry.paths import path_fault
from models_registry.services import content
from models_registry.types import AddFile, AddLarge, Operation

SAMPLE_BYTES = 512


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class UploadForm(ChangeForm):
    """Some files, and the folder they go into."""

    folder = forms.CharField(
        label=_("Into the folder"),
        required=False,
        max_length=1024,
        help_text=_("Empty: beside the card."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )
    chosen = forms.Field(label=_("Files"), widget=ManyFiles(attrs={"multiple": True}))

    def clean_folder(self) -> str:
        folder = str(self.cleaned_data["folder"]).strip().strip("/")
        fault = path_fault(folder) if folder else None
        if fault:
            raise forms.ValidationError(_(fault))
        return folder


def send(request: HttpRequest, form: UploadForm, replaced: str) -> HttpResponse:
    """Take the files in and commit or propose them.

    Args:
        replaced: the path whose place the one file takes, "" for files of their own names.

    Raises:
        InvalidPath, and what storing, committing and proposing raise
    """
    opened, folder = form.opened, form.cleaned_data["folder"]
    sent = request.FILES.getlist("chosen")[: 1 if replaced else None]
    paths = [replaced or (f"{folder}/{file.name}" if folder else str(file.name)) for file in sent]
    for path in paths:
        fault = path_fault(path)
        if fault:
            raise InvalidPath(path=path[:300], reason=fault)
    rules = UploadRules.of(opened.repository, opened.listing)
    operations = [_stored(request, form, rules, path, file) for path, file in zip(paths, sent, strict=True)]
    after = addresses.at(opened.repository, "tree", opened.revision, paths[0].rpartition("/")[0])
    return carry_out(request, form, operations, touched=paths, after=after)


def _stored(
    request: HttpRequest, form: UploadForm, rules: UploadRules, path: str, file: "UploadedFile[Any]"
) -> Operation:
    size = int(file.size or 0)
    sample = file.read(SAMPLE_BYTES)
    file.seek(0)
    if not rules.is_large(path, size=size, sample=sample):
        return AddFile(path, file.read())
    digest: Any = hashlib.sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    taken = content.ingest(
        repository=form.opened.repository,
        user=acting_user(request),
        stream=file,
        size_bytes=size,
        sha256=digest.hexdigest(),
    )
    return AddLarge(path, taken.sha256, size)
