"""The review desk: pages and an API for the meeting, over the same logic as the command line.

``server`` builds the application, ``desk_app`` is what its requests share, ``errors`` answers failed requests.
``request_context`` is one request of a signed-in person; ``pages`` shows, ``forms`` and ``api`` take input and call
``operations``, which checks and saves it. ``review_runner`` continues reviews in the background and ``live_updates``
notifies open pages. ``loaded_review``, ``score_table``, ``timeline`` and ``what_if`` are what the pages show;
``sign_in``, ``sessions``, ``settings`` and ``security`` decide who may see it; ``store_pool`` lends out stores.
"""
