// App: placeholder.
