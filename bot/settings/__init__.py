"""The settings: sections, their sources, and every mistake at once."""
