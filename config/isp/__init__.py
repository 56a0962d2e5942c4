"""The ISP role: one workspace in containers of its own, from the image that the platform uses too.

`python -m config.isp` runs all of it: Django is loaded once, then web, worker and clock are forked
from it and share its memory.
"""
