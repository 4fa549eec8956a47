from django.apps import AppConfig


class Obligations(AppConfig):
    name = "zhike.obligations"
