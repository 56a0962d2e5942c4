from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_user_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="vouched_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="scopes",
            field=models.JSONField(db_default=[], default=list, editable=False),
        ),
    ]
