"""Downloads of layers as files: what may be asked for, and the job that makes it."""
