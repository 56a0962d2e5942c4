"""Pages of operations, in every kind of schema."""

from django.urls import path

from apps.operations import views

urlpatterns = [
    path("operations/<uuid:operation_id>/", views.operation, name="operation"),
    path("operations/<uuid:operation_id>/steps/", views.steps, name="operation_steps"),
    path("operations/<uuid:operation_id>/cancel/", views.cancel, name="operation_cancel"),
    path("operations/<uuid:operation_id>/retry/", views.retry, name="operation_retry"),
]
