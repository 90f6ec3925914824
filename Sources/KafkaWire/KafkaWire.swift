// KafkaWire: placeholder.
