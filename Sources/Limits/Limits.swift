// Limits: placeholder.
