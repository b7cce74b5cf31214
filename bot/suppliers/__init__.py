"""Ways by which orders reach suppliers and warehouses, one per file."""
