"""What a tick costs: measured in workerd, beside the plain way of doing it. `make bench` runs it, docs/cost.md reads it."""
