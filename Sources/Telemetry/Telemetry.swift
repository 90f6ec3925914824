// Telemetry: placeholder.
