"""``panewatch experiments``: list, judge, back up, purge, restore."""
