"""One URL configuration a kind of schema."""
