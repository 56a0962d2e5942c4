# Staff who are no owners keep what they could do before there were roles, and nothing more.

from django.db import migrations

_NAME = "Staff (as before)"
_EVERYWHERE = ["operations.steer", "operations.view"]
_IN_CONSOLES = [
    "catalogue.view",
    "instances.archive",
    "instances.deploy",
    "instances.install",
    "instances.stop",
    "instances.suspend",
    "instances.view",
]


def give_role(apps, schema_editor):
    staff = apps.get_model("accounts", "User").objects.filter(is_staff=True, is_superuser=False)
    people = list(staff.values_list("pk", flat=True))
    if not people:
        return
    is_console = schema_editor.connection.schema_name.startswith("c_")
    permissions = sorted([*_EVERYWHERE, *(_IN_CONSOLES if is_console else [])])
    role, _made = apps.get_model("accounts", "Role").objects.get_or_create(
        name=_NAME, defaults={"permissions": permissions}
    )
    membership = apps.get_model("accounts", "Membership")
    membership.objects.bulk_create(
        [membership(user_id=pk, own_role=role) for pk in people], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_roles"),
    ]

    operations = [migrations.RunPython(give_role, migrations.RunPython.noop)]
