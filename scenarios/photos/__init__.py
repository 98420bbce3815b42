"""Photos that people send: made anew from their pixels, kept under their digest."""
