"""Input and output: NanoAOD, files on servers, and the store."""
