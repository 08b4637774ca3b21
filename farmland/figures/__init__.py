"""What is counted of restoration: progress, its series, the waterfall, warnings; stands on restoration."""
