// KafkaWireTests: placeholder.
