"""Where everything is kept: intents, each one transaction."""
