package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// setAsideMax bounds how many unreadable rows are kept to be looked into.
const setAsideMax = 100

// incidentsNamedMax is how many unreadable incidents are named to people.
const incidentsNamedMax = 10

// origin says where an unreadable row came from.
type origin string

const (
	fromIncidents origin = "incidents"
	fromSilences  origin = "silences"
	fromBlocks    origin = "blocks"
	fromRules     origin = "rules"
)

// badRow is a row that could not be read.
type badRow struct {
	origin origin
	name   string // incident's or silence's ID, feed
	index  int    // of a block
	reason string
	body   []byte
}

// setAside takes the rows that could not be read out of the way, so that the
// next start does not stumble over them, and says what is missing.
func (s *SQLite) setAside(ctx context.Context, l *loader) {
	if len(l.bad) == 0 {
		return
	}
	for _, sentence := range l.losses() {
		s.notify(sentence)
	}
	err := s.write(ctx, "set damaged rows aside", func(tx *sql.Tx) error {
		for i, row := range l.bad {
			if err := row.move(ctx, tx, i < setAsideMax); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM set_aside WHERE n NOT IN (SELECT n FROM set_aside ORDER BY n DESC LIMIT ?)", setAsideMax)
		return err
	})
	if err != nil {
		// They are left out all the same; the next start says so again.
		s.log.Error("cannot set damaged rows aside", slog.Any("error", err))
	}
}

// losses are sentences for people.
func (l *loader) losses() []string {
	var all []string
	incidents, blocks := 0, 0
	for _, row := range l.bad {
		switch row.origin {
		case fromIncidents:
			if incidents++; incidents <= incidentsNamedMax {
				all = append(all, fmt.Sprintf("Incident %s could not be read from the store (%s): it may page again, and what it sent before must be resolved by hand.", row.name, row.reason))
			}
		case fromBlocks:
			blocks++
		case fromSilences:
			all = append(all, fmt.Sprintf("Silence %s could not be read from the store (%s): it holds back no page any more; make it anew if it still should.", row.name, row.reason))
		case fromRules:
			all = append(all, fmt.Sprintf("The last good rule files could not be read from the store (%s): the rule directory alone counts now.", row.reason))
		}
	}
	if incidents > incidentsNamedMax {
		all = append(all, fmt.Sprintf("So it is with %d more incidents.", incidents-incidentsNamedMax))
	}
	if blocks > 0 {
		all = append(all, fmt.Sprintf("%d of %d blocks of last updates could not be read from the store: their clients are known again once they arrive.", blocks, blocks+len(l.saved.Blocks)))
	}
	return all
}

func (r badRow) move(ctx context.Context, tx *sql.Tx, keep bool) error {
	if keep {
		name := r.name
		if r.origin == fromBlocks {
			name = fmt.Sprintf("%s/%d", r.name, r.index)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO set_aside (at, origin, name, reason, body) VALUES (?, ?, ?, ?, ?)",
			int64(feed.At(time.Now())), string(r.origin), name, r.reason, r.body)
		if err != nil {
			return err
		}
	}
	switch r.origin {
	case fromIncidents:
		_, err := tx.ExecContext(ctx, "DELETE FROM incidents WHERE id = ?", r.name)
		return err
	case fromSilences:
		_, err := tx.ExecContext(ctx, "DELETE FROM silences WHERE id = ?", r.name)
		return err
	case fromRules:
		_, err := tx.ExecContext(ctx, "DELETE FROM rules")
		return err
	default:
		if _, err := tx.ExecContext(ctx, "DELETE FROM block_marks WHERE feed = ? AND idx = ?", r.name, r.index); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM block_names WHERE feed = ? AND idx = ?", r.name, r.index)
		return err
	}
}
