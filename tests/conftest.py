"""Settings that hold for all tests: property tests draw the same examples in every run and leave no files behind."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")
