"""`make up`: the whole platform on one machine, supervised in the foreground."""
