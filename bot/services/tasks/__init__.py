"""Submit, poll, deliver and recover tasks."""
