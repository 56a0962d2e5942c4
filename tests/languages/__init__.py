"""Languages: catalogues, whose language is spoken, and pages in French."""
