"""The board: pages of figures, rendered on the server, for members who came by a link from the chat."""
