// Crypto: placeholder.
