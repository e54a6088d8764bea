"""Kling in every dialect: pure descriptions of the wire, and one client that does the I/O."""
