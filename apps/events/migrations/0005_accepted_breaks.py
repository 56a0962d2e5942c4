from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_verifications_and_times"),
    ]

    operations = [
        migrations.AddField(
            model_name="verification",
            name="accepts",
            field=models.JSONField(null=True),
        ),
    ]
