"""Amazon: a strict local server whose every request and answer has the shape of Amazon's own models."""
