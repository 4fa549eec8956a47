from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_feeds")]

    operations = [
        migrations.AlterField(
            model_name="rating",
            name="assets",
            field=models.DecimalField(
                blank=True, decimal_places=2, help_text="average of the month before, CNY", max_digits=18, null=True
            ),
        ),
    ]
