"""Watch and run the bot: providers, alerts, broadcasts, reports."""
