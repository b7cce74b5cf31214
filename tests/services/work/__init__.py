"""Watch, catalogue, cases, requests and audit."""
