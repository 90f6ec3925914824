// TransportTests: placeholder.
