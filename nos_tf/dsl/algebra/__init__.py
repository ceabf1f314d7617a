"""Which update rules are equal: their algebra, and canonical keys made of it."""
