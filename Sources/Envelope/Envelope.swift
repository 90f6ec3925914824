// Envelope: placeholder.
