// Compression: placeholder.
