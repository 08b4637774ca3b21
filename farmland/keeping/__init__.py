"""Keeping a database whole: preparing, upgrading, verifying, sealing, backing up; knows all tables."""
