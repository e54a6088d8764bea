"""What every kind of answer of a provider means, shown by the bot itself."""
