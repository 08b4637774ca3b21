"""Speed, measured as ratios within one run and written to docs/benchmarks.md: `python -m bench`."""
