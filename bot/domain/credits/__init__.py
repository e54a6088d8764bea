"""What it costs, and who pays."""
