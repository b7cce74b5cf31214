"""Benchmarks: `python -m tests.bench [NAME ...]`; each is one module, registered in `registry.py`."""
