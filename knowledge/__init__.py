"""What the bot may say: reviewed articles, how they are found, and when to stay silent."""
