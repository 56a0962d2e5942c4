"""The platform backs itself up off site, tests that, and knows how it is rebuilt."""
