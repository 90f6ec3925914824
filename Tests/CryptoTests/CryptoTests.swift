// CryptoTests: placeholder.
