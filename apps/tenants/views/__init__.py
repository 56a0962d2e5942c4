"""Pages of the operator for people who have, or make, an organisation."""
