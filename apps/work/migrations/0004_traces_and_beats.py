from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):

    dependencies = [
        ('work', '0003_words_and_ends'),
    ]

    operations = [
        migrations.AddField(
            model_name='due',
            name='traceparent',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=55),
        ),
        migrations.AddField(
            model_name='signal',
            name='at',
            field=models.DateTimeField(db_default=Now()),
        ),
        migrations.CreateModel(
            name='Beat',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('ticked_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': '"public"."work_beat"',
            },
        ),
    ]
