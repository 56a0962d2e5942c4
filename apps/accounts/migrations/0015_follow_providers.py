import django.db.models.functions.datetime
from django.db import migrations, models

from apps.core.tracking import track


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0002_changes'),
        ('accounts', '0014_no_second_log'),
    ]

    operations = [
        migrations.AddField(
            model_name='identityprovider',
            name='updated_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        track('accounts_identityprovider', 'identity-providers'),
    ]
