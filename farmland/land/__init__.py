"""The land: units, responsibility plots, the baseline and its classes, designated areas, their tiles; stands on records."""
