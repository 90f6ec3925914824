// KeyService: placeholder.
