import django.db.models.functions.datetime
from django.db import migrations, models

from apps.core.tracking import track


class Migration(migrations.Migration):

    second_step = {
        "AddConstraint idp.relyingparty.relyingparty_external_id":
            "The release before leaves it empty, of which there may be any number.",
    }

    dependencies = [
        ('core', '0002_changes'),
        ('idp', '0002_sign_in_age'),
    ]

    operations = [
        migrations.AddField(
            model_name='relyingparty',
            name='external_id',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='metadata',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, editable=False),
        ),
        migrations.AddField(
            model_name='relyingparty',
            name='updated_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        migrations.AddConstraint(
            model_name='relyingparty',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('external_id',), name='relyingparty_external_id'),
        ),
        track('idp_relyingparty', 'sso-clients'),
    ]
