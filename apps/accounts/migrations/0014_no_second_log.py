from django.db import migrations


class Migration(migrations.Migration):
    """What the admin noted beside the event log named people whom an erasure did not find."""

    dependencies = [
        ("accounts", "0013_signed_out"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [migrations.RunSQL("DELETE FROM django_admin_log", migrations.RunSQL.noop)]
