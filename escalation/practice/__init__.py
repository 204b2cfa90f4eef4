"""Drills (演练) of the whole house, and practice (练习) of one counsellor: synthetic callers, never counted."""
