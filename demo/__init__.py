"""Four minutes in the life of the Worker, told on a terminal."""
