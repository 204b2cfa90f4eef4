"""The library of a deployment: who writes an article, who decides about it, and how it comes into force."""
