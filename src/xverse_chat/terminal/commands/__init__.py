"""The slash commands. ``table.py`` is the one list of them; a file for each kind."""
