# An organisation that its owner offers to another member.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="OwnershipOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_by", models.UUIDField()),
                ("offered_to", models.UUIDField()),
                ("expires_at", models.DateTimeField()),
                (
                    "organisation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ownership_offer",
                        to="tenants.organisation",
                    ),
                ),
            ],
            options={
                "db_table": '"public"."tenants_ownershipoffer"',
            },
        ),
    ]
