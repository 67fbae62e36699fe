"""Receivers, one a file, behind the interface of `tools.outbox.sinks.sink`. Each is imported when it is used."""
