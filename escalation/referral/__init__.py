"""Referrals (转介): on what ground, what exactly is shared, the partner's answer, and what falls due until it is known
whether the person arrived."""
