"""The partner's side of a referral: small pages outside the console, without account, for a phone."""
