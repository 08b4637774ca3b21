"""The rules of farmland protection: units, chiefs, plots, targets, claims, progress: what is counted, and by which rule."""
