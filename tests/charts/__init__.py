"""Charts: their axes, their letters, what is drawn and said, and how they arrive in the chats."""
