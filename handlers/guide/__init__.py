"""Start, help, tips, models and prices."""
