# Support visits of the operator's people to organisations.

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_labels"),
    ]

    operations = [
        migrations.CreateModel(
            name="Impersonation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("user", models.UUIDField()),
                ("email", models.EmailField(max_length=254, verbose_name="who")),
                ("reason", models.CharField(max_length=140, verbose_name="reason")),
                ("started_at", models.DateTimeField(auto_now_add=True, verbose_name="since")),
                ("expires_at", models.DateTimeField(verbose_name="until")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="impersonations",
                        to="tenants.organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "support visit",
                "verbose_name_plural": "support visits",
                "db_table": '"public"."tenants_impersonation"',
                "ordering": ["-started_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("organisation", "user"),
                        name="one_open_impersonation",
                    )
                ],
            },
        ),
    ]
