"""HTTP: from the URL of a request to the response. No other package reads ``flask.request``."""
