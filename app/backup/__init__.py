"""Back-ups of the private cluster and of the files beside it: pgBackRest does the work, this says what and where."""
