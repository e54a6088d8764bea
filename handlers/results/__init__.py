"""Finished videos: buttons beneath them, history, inline mode, running tasks."""
