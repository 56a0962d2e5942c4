"""The manners of the API, the same for every resource of every kind of schema."""
