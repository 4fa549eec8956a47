from django.apps import AppConfig


class Sms(AppConfig):
    name = "zhike.sms"
