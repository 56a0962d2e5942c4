"""Every page by axe, and the pages that everybody uses by keyboard, in a real browser."""
