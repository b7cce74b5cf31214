"""Exchange rates, the audit log's exports and heads, routing."""
