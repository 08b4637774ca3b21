"""Taking figures apart: audits, the pack for an auditor, gaps and overlaps of coverage; stands on all others."""
