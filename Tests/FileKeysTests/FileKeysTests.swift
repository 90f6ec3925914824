// FileKeysTests: placeholder.
