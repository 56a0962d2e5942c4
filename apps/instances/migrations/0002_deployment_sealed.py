from django.db import migrations, models

# Until now all deployments of an instance had its present settings.
_FILL = """
    UPDATE instances_deployment SET sealed = instances_instance.sealed
    FROM instances_instance WHERE instances_instance.id = instances_deployment.instance_id
"""


class Migration(migrations.Migration):

    dependencies = [("instances", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="sealed",
            field=models.TextField(blank=True, editable=False, default=""),
            preserve_default=False,
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
    ]
