// RecordsTests: placeholder.
