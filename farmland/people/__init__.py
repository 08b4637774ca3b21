"""People and what they may and must do: roles, rights, field chiefs and their duties; stands on land."""
