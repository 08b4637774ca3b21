"""Files in: one module for each kind of file, and how rows of any are read and checked; stands on restoration."""
