"""Files of a brand, open to everybody; in every kind of schema."""

from django.urls import path

from apps.branding import views

urlpatterns = [
    path("<slug:digest>/colours.css", views.colours, name="brand_colours"),
    path("<slug:digest>/mark.svg", views.mark, name="brand_mark"),
    path("<slug:digest>/logo.<slug:extension>", views.logo, name="brand_logo"),
]
