"""Talking with the person who wrote to us."""
