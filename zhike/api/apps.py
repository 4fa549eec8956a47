from django.apps import AppConfig


class Api(AppConfig):
    name = "zhike.api"
    label = "api"
