package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
)

// settings are what every connection sets first, in this order. (The data source
// name could carry them too, but sorts them by name.)
var settings = [...]string{
	// As long as a predecessor may take to stop.
	"PRAGMA busy_timeout = 5000",
	// For this process alone: a second feedwatch on the file would page twice.
	// Before journal_mode, so that the log needs no shared memory.
	"PRAGMA locking_mode = EXCLUSIVE",
	// Of new files: a block of watermarks is about 8 KB.
	"PRAGMA page_size = 8192",
	"PRAGMA journal_mode = WAL",
	// A commit is on the disk before it is answered.
	"PRAGMA synchronous = FULL",
	"PRAGMA journal_size_limit = 67108864",
	"PRAGMA cache_size = -16384",
	// Half a megabyte: on a full disk the log must not need more.
	"PRAGMA wal_autocheckpoint = 64",
	// Opens the log: later the file may be gone, and no log of it can be opened.
	"BEGIN IMMEDIATE; COMMIT",
}

// connector makes connections to one file.
type connector struct {
	driver *sqlite.Driver
	dsn    string
	opened func() error // told of each connection
}

func newConnector(path string, opened func() error) (*connector, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// Transactions take the write lock when they begin: there is one connection.
	// A file that is gone is no reason to begin with an empty one.
	name := url.URL{Scheme: "file", Path: abs, RawQuery: "_txlock=immediate&mode=rw"}
	return &connector{driver: new(sqlite.Driver), dsn: name.String(), opened: opened}, nil
}

// Driver is SQLite's.
func (c *connector) Driver() driver.Driver { return c.driver }

// Connect opens the file and applies the settings.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, fmt.Errorf("connections of type %T cannot be set up", conn)
	}
	for _, pragma := range settings {
		if _, err := execer.ExecContext(ctx, pragma, nil); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	if err := c.opened(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
