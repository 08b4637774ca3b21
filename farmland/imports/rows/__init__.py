"""The rows of any file: their columns, codes and texts, what is right in them, and what they are compared with."""
