from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contract", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="heldgrant",
            name="members",
            field=models.JSONField(null=True),
        ),
    ]
