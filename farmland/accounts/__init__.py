"""Accounts: passwords, signing in, tokens, activation slips, the public page; stands on people."""
