from django.apps import AppConfig


class Customers(AppConfig):
    name = "zhike.customers"
