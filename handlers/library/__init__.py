"""Templates, ideas, elements and voices."""
