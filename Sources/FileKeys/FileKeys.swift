// FileKeys: placeholder.
