// KeyServiceTests: placeholder.
