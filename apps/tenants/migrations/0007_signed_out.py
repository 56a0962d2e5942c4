from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_erasures"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="signed_out_at",
            field=models.DateTimeField(null=True),
        ),
    ]
