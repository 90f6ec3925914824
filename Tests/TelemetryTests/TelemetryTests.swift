// TelemetryTests: placeholder.
