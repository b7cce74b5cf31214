"""The storage room: what both kinds of database promise alike."""
