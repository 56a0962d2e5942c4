from django.conf import settings
from django.db import migrations, models
from django.utils.crypto import salted_hmac


def sign(apps, schema_editor):
    """Sign the end of the chain as it is now; from here on every end is signed (sealing)."""
    Event = apps.get_model('events', 'Event')
    Checkpoint = apps.get_model('events', 'Checkpoint')
    last = Event.objects.filter(seal_no__isnull=False).order_by('-seal_no').first()
    Checkpoint.objects.all().delete()
    if last is None:
        return
    schema = schema_editor.connection.schema_name
    text = f'{schema}:{last.seal_no}:{last.chain}'
    signature = salted_hmac(
        'events.checkpoint', text, secret=settings.SECRET_KEY, algorithm='sha256'
    ).hexdigest()
    Checkpoint.objects.create(seal_no=last.seal_no, chain=last.chain, signature=signature)


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0002_erasure'),
    ]

    operations = [
        migrations.RunPython(sign, migrations.RunPython.noop, elidable=True),
    ]
