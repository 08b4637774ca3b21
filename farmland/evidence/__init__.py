"""Evidence files: where their content is kept, and what a photograph tells; stands on records."""
