"""Some minutes in the life of the Worker, told on a terminal, and how soon risk is felt at a browser."""
