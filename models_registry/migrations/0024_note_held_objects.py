"""Notes small files that were held back before Git's door knew of them."""

from django.db import migrations

from models_registry.manifests import unpack


def note(apps, schema_editor):
    Commit = apps.get_model("models_registry", "Commit")
    Manifest = apps.get_model("models_registry", "Manifest")
    HeldObject = apps.get_model("models_registry", "HeldObject")
    # The newest commit has the last word on a file that lies in several.
    for commit in Commit.objects.exclude(held={}).order_by("pk").iterator():
        packed = Manifest.objects.filter(commit_id=commit.pk).values_list("packed", flat=True).first()
        files = unpack(bytes(packed)).files if packed is not None else {}
        for path, reason in commit.held.items():
            entry = files.get(path)
            if entry is not None and not entry.is_large:
                HeldObject.objects.update_or_create(
                    repository_id=commit.repository_id, oid=entry.oid, defaults={"path": path, "reason": reason}
                )


class Migration(migrations.Migration):

    dependencies = [
        ('models_registry', '0023_held_objects'),
    ]

    operations = [migrations.RunPython(note, migrations.RunPython.noop)]
