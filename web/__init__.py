"""What people look at: pages rendered on the server, with no script and no asset from elsewhere."""
