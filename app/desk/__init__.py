"""The review desk: pages and an API for the meeting. It adds ways in, not a second logic.

``server`` puts it together and tells errors; ``guard`` holds every request and answer to the rules of the web; ``door``,
``sign_in`` and ``settings`` let people in; ``visit`` is one request of somebody who is in. ``pages`` shows, ``forms`` and
``api`` take what is sent to ``acting``, which checks and keeps it; ``running`` lets reviews go on behind the desk, ``live``
tells open pages. ``reading``, ``scores``, ``timeline`` and ``what_if`` are what the pages show, ``region`` and ``render``
how. ``places`` lends out stores.
"""
