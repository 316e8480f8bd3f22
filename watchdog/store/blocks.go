package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/crc32"

	"github.com/feedwatch/feedwatch/watchdog"
)

const (
	upsertNames = `INSERT INTO block_names (feed, idx, crc, body) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET crc = excluded.crc, body = excluded.body`
	upsertMarks = `INSERT INTO block_marks (feed, idx, crc, body) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET crc = excluded.crc, body = excluded.body`
	upsertThrough = `INSERT INTO blocks_through (one, through) VALUES (1, ?)
		ON CONFLICT DO UPDATE SET through = excluded.through`
)

// SaveBlocks writes a flush in one transaction: its blocks, and the time through
// which they hold every arrival. Nil Names keep those that are saved.
func (s *SQLite) SaveBlocks(ctx context.Context, flush watchdog.Flush) error {
	if err := s.keepReserve(); err != nil {
		return fmt.Errorf("store: save blocks: %w", s.explain(err))
	}
	return s.durably(ctx, "save blocks", s.commit, func(tx *sql.Tx) error {
		for _, name := range flush.Gone {
			for _, del := range [...]string{"DELETE FROM block_names WHERE feed = ?", "DELETE FROM block_marks WHERE feed = ?"} {
				if _, err := tx.ExecContext(ctx, del, name); err != nil {
					return err
				}
			}
		}
		if err := saveLedger(ctx, tx, flush.Ledger); err != nil {
			return err
		}
		names, err := tx.PrepareContext(ctx, upsertNames)
		if err != nil {
			return err
		}
		marks, err := tx.PrepareContext(ctx, upsertMarks)
		if err != nil {
			return err
		}
		for _, b := range flush.Blocks {
			if b.Names != nil {
				if _, err := names.ExecContext(ctx, b.Feed, b.Index, checksum(b.Names), b.Names); err != nil {
					return err
				}
			}
			if _, err := marks.ExecContext(ctx, b.Feed, b.Index, checksum(b.Marks), b.Marks); err != nil {
				return err
			}
		}
		if flush.Through.IsZero() {
			return nil
		}
		_, err = tx.ExecContext(ctx, upsertThrough, int64(flush.Through))
		return err
	})
}

// checksum guards a block's bytes: SQLite itself does not notice a flipped bit.
func checksum(body []byte) int64 { return int64(crc32.Checksum(body, castagnoli)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
