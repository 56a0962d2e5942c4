"""What alerts of the doctor tell; what an app's own alert tells is not among it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that is empty at first."""

    dependencies = [("doctor", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="checkstate",
            name="told",
            field=models.CharField(
                blank=True,
                choices=[("ok", "Well"), ("warning", "Warning"), ("problem", "Problem")],
                db_default="",
                default="",
                editable=False,
                max_length=10,
            ),
        ),
    ]
