"""The admin panel and the commands of those who run the bot."""
