# Each maker's keys become those of one service account, which may what its maker might.

from django.db import migrations


def move(apps, schema_editor):
    key = apps.get_model("accounts", "ApiKey")
    account = apps.get_model("accounts", "ServiceAccount")
    people = apps.get_model("accounts", "User").objects.filter(
        pk__in=key.objects.filter(account=None).values("created_by")
    )
    for user in people:
        made = account.objects.create(
            name=f"Keys of {user.email}"[:70] + f" ({user.pk})",
            description="Keys from before there were service accounts.",
            # A key of somebody who was switched off was dead, and stays that.
            is_active=user.is_active and user.is_staff,
            created_by=user,
            **_role_of(apps, user),
        )
        key.objects.filter(created_by=user, account=None).update(account=made, scopes=["*"])


def _role_of(apps, user):
    if user.is_superuser:
        return {"role": "owner"}
    membership = apps.get_model("accounts", "Membership").objects.filter(user=user).first()
    if membership is None:
        nothing, _made = apps.get_model("accounts", "Role").objects.get_or_create(
            name="Nothing", defaults={"permissions": []}
        )
        return {"own_role": nothing}
    return {
        "role": membership.role,
        "own_role": membership.own_role,
        "limits": membership.limits,
    }


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_service_accounts"),
    ]

    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
