from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "zhike.notices"
    label = "notices"
