// EnvelopeTests: placeholder.
