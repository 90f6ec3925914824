// FieldsTests: to come.
