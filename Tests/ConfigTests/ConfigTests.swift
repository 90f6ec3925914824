// ConfigTests: placeholder.
