"""Ways to suppliers: documents, folders and mail."""
