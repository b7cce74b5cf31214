"""The board: who gets in, what each page shows, what it does, how quickly it changes."""
