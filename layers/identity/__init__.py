"""Who may sign in, and what proves it: accounts, passwords, sessions and tokens."""
