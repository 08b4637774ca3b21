"""Restoration: targets, claims, their net areas, steps, evidence, doubts and rules; stands on land, people and evidence."""
