from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backups", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="backupalarm",
            name="name",
            field=models.CharField(
                choices=[
                    ("overdue", "No backup for 26 hours"),
                    ("lagging", "The log of changes is not carried off site"),
                    ("away", "The place off site has been away for a day"),
                    ("test", "The restore test failed"),
                    ("gap", "Changes were given up for want of room"),
                ],
                max_length=10,
                unique=True,
            ),
        ),
    ]
