"""Settings at rest: what is sealed, by which key, and how a file is changed."""
