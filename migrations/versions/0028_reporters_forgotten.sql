GRANT DELETE ON reports.reporters TO diaban_writer;
CREATE INDEX reports_closed ON reports.reports (closed_at) WHERE closed_at IS NOT NULL;
