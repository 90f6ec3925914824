// CompressionTests: placeholder.
