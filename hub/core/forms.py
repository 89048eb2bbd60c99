"""What the forms of every app share."""

from typing import Any

from django import forms


class PlainForm(forms.Form):
    """A form whose labels end without a colon; `components/field.html` draws the fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
