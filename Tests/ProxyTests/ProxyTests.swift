// ProxyTests: placeholder.
