"""The registry's tables.

`versions.search` and `versions.marks` repeat the name, the description and the labels as text, so
that one narrow index answers any filter without a look into other tables.
"""

SCRIPTS = (
    """
CREATE TABLE counters (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stamp (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
INSERT INTO stamp VALUES (1, 0);

CREATE TABLE versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  latest INTEGER NOT NULL,
  created REAL NOT NULL,
  created_by TEXT NOT NULL,
  description TEXT NOT NULL,
  framework TEXT NOT NULL,
  framework_version TEXT NOT NULL,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,
  search TEXT NOT NULL,
  marks TEXT NOT NULL,
  resources TEXT NOT NULL,
  model_schema TEXT,
  schema_problem TEXT NOT NULL,
  sample_input TEXT NOT NULL,
  sample_output TEXT NOT NULL,
  source_path TEXT NOT NULL,
  experiment TEXT NOT NULL,
  run_id TEXT NOT NULL,
  verified REAL,
  UNIQUE (name, version)
);
CREATE INDEX versions_all ON versions (id, version, framework, size, created, search, marks);
CREATE INDEX versions_latest
  ON versions (latest, id, version, framework, size, created, search, marks) WHERE latest = 1;
CREATE INDEX versions_run ON versions (run_id) WHERE run_id != '';

CREATE TABLE files (
  version_id INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  executes TEXT NOT NULL,
  PRIMARY KEY (version_id, path)
) WITHOUT ROWID;
CREATE INDEX files_blob ON files (sha256);

CREATE TABLE labels (
  version_id INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
  property INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (version_id, property, key)
) WITHOUT ROWID;
CREATE INDEX labels_value ON labels (key, value, version_id, property);

CREATE TABLE label_names (key TEXT PRIMARY KEY, uses INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE label_values (
  key TEXT NOT NULL, value TEXT NOT NULL, uses INTEGER NOT NULL, PRIMARY KEY (key, value)
) WITHOUT ROWID;
CREATE TRIGGER labels_added AFTER INSERT ON labels BEGIN
  INSERT INTO label_names VALUES (new.key, 1) ON CONFLICT DO UPDATE SET uses = uses + 1;
  INSERT INTO label_values VALUES (new.key, new.value, 1)
    ON CONFLICT DO UPDATE SET uses = uses + 1;
END;
CREATE TRIGGER labels_removed AFTER DELETE ON labels BEGIN
  UPDATE label_names SET uses = uses - 1 WHERE key = old.key;
  DELETE FROM label_names WHERE key = old.key AND uses = 0;
  UPDATE label_values SET uses = uses - 1 WHERE key = old.key AND value = old.value;
  DELETE FROM label_values WHERE key = old.key AND value = old.value AND uses = 0;
END;

CREATE TABLE uses (
  version_id INTEGER NOT NULL REFERENCES versions,
  service TEXT NOT NULL,
  PRIMARY KEY (version_id, service)
) WITHOUT ROWID;
CREATE INDEX uses_service ON uses (service);

CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  actor TEXT NOT NULL,
  model TEXT NOT NULL,
  field TEXT NOT NULL,
  before TEXT,
  after TEXT
);
CREATE INDEX changes_model ON changes (model, id);
""",
)
"""One script a format of the index, applied in order."""
