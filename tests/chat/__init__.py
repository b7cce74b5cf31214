"""Tests of the neutral chat model, the router and the cards."""
