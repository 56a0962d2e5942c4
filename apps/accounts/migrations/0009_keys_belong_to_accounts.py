# Every key has its service account by now.

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_keys_move_to_service_accounts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="keys",
                to="accounts.serviceaccount",
            ),
        ),
    ]
