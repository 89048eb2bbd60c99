"""The starter catalogue: a handful of really small models that a new hub trains or unpacks, and publishes, itself."""
