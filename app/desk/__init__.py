"""The review desk: pages and an API for the meeting. It adds ways in, not a second logic."""
