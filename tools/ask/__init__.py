"""Questions in plain words: which account is meant, what is asked, what the asker says along with it."""
