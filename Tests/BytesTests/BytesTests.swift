// BytesTests: placeholder.
