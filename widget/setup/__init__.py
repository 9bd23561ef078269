"""Sets the service up: asks questions, writes the configuration, and hashes passwords."""
