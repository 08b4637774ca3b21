"""How records are kept: the database, the ledger, who may write and when; stands on nothing."""
