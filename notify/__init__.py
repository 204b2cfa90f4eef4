"""Calling people who are not looking at a screen: staff whom the ladder reaches, visitors who closed the page."""
