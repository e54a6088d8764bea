"""What people keep: templates, ideas, elements and voices."""
