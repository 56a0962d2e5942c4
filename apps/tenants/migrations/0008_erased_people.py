"""People who were erased, by ids that name nobody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A table of its own."""

    dependencies = [("tenants", "0007_signed_out")]

    operations = [
        migrations.CreateModel(
            name="ErasedPerson",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("schema", models.CharField(max_length=63, verbose_name="schema")),
                (
                    "kind",
                    models.CharField(
                        choices=[("user", "Person"), ("subscriber", "Subscriber")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("person", models.UUIDField(verbose_name="id")),
                ("erased_at", models.DateTimeField(verbose_name="erased")),
                ("restored_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={"db_table": '"public"."tenants_erasedperson"'},
        ),
        migrations.AddConstraint(
            model_name="erasedperson",
            constraint=models.UniqueConstraint(
                fields=("schema", "kind", "person"), name="one_erasure_of_a_person"
            ),
        ),
    ]
