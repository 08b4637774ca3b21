"""The ground: coordinate systems, areas, overlays, files in and out, tiles, drawn maps. Knows no field chief."""
