// Bench: placeholder.
