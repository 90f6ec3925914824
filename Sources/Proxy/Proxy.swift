// Proxy: placeholder.
