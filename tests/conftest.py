"""Settings for the whole suite: hypothesis tries the same examples on every run, whatever came of the last one."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
