"""The sandbox, held to the behaviour of the real platforms."""
