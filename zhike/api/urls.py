"""The addresses of the JSON edge."""

from django.urls import URLPattern, URLResolver, include, path

from zhike.api import edge, health, metrics, pushed

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/pushed/<str:secret>", pushed.pushed, name="pushed"),
    path("api/v1/", include((edge.urls(), "api"))),
    path("api/", edge.nowhere),
    path("api/<path:rest>", edge.nowhere),
]
