package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// backend is what production's store does for a process.
type backend interface {
	Load(ctx context.Context) (*watchdog.Saved, error)
	SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error
	SaveBlocks(ctx context.Context, flush watchdog.Flush) error
	SaveRestart(ctx context.Context, r watchdog.Restart) error
	SaveRules(ctx context.Context, r watchdog.SavedRules) error
	SaveReceipt(ctx context.Context, r watchdog.Receipt) error
	SaveSilence(ctx context.Context, s watchdog.Silence) error
	Incident(ctx context.Context, id string) (*watchdog.Incident, error)
}

// disk keeps in memory what SQLite would keep: whatever a call wrote before it returned.
type disk struct {
	incidents map[string]stored
	blocks    map[string]watchdog.BlockImage
	through   feed.Instant
	restarts  []watchdog.Restart
	receipts  map[string]watchdog.Receipt
	silences  map[string]watchdog.Silence
	rules     *watchdog.SavedRules
}

type stored struct {
	revision uint64
	body     []byte
}

func newDisk() *disk {
	return &disk{incidents: map[string]stored{}, blocks: map[string]watchdog.BlockImage{}, receipts: map[string]watchdog.Receipt{}, silences: map[string]watchdog.Silence{}}
}

func (d *disk) SaveIncidents(_ context.Context, incidents []*watchdog.Incident) error {
	for _, inc := range incidents {
		if inc.Revision < d.incidents[inc.ID].revision {
			continue
		}
		body, err := json.Marshal(inc)
		if err != nil {
			return err
		}
		d.incidents[inc.ID] = stored{inc.Revision, body}
	}
	return nil
}

func (d *disk) SaveBlocks(_ context.Context, flush watchdog.Flush) error {
	for _, name := range flush.Gone {
		for key := range d.blocks {
			if strings.HasPrefix(key, name+" ") {
				delete(d.blocks, key)
			}
		}
	}
	for _, b := range flush.Blocks {
		key := fmt.Sprint(b.Feed, " ", b.Index)
		if b.Names == nil {
			b.Names = d.blocks[key].Names
		}
		d.blocks[key] = b
	}
	if !flush.Through.IsZero() {
		d.through = flush.Through
	}
	return nil
}

func (d *disk) SaveRestart(_ context.Context, r watchdog.Restart) error {
	d.restarts = append(d.restarts, r)
	return nil
}

func (d *disk) SaveRules(_ context.Context, r watchdog.SavedRules) error {
	d.rules = &r
	return nil
}

func (d *disk) SaveSilence(_ context.Context, s watchdog.Silence) error {
	d.silences[s.ID] = s
	return nil
}

func (d *disk) SaveReceipt(_ context.Context, r watchdog.Receipt) error {
	d.receipts[fmt.Sprint(r.Target, " ", r.Incident, " ", r.Op)] = r
	return nil
}

func (d *disk) Incident(_ context.Context, id string) (*watchdog.Incident, error) {
	s, ok := d.incidents[id]
	if !ok {
		return nil, errors.New("no such incident")
	}
	inc := new(watchdog.Incident)
	return inc, json.Unmarshal(s.body, inc)
}

// durable says that page n of an incident is on the disk.
func (s *sim) durable(id string, n int) bool {
	var back backend = s.disk
	if s.proc.db != nil {
		back = s.proc.db
	}
	inc, err := back.Incident(context.Background(), id)
	return err == nil && len(inc.Pages) >= n
}

func (d *disk) Load(ctx context.Context) (*watchdog.Saved, error) {
	saved := &watchdog.Saved{Through: d.through, Rules: d.rules}
	saved.Restarts = append(saved.Restarts, d.restarts...)
	for _, id := range slices.Sorted(maps.Keys(d.silences)) {
		saved.Silences = append(saved.Silences, d.silences[id])
	}
	for _, b := range d.blocks {
		saved.Blocks = append(saved.Blocks, b)
	}
	for id := range d.incidents {
		inc, err := d.Incident(ctx, id)
		if err != nil {
			return nil, err
		}
		saved.Incidents = append(saved.Incidents, inc)
	}
	sort.Slice(saved.Incidents, func(i, j int) bool { return saved.Incidents[i].ID < saved.Incidents[j].ID })
	const resolvedMax = 200 // as SQLite
	kept, resolved := []*watchdog.Incident(nil), 0
	for i := len(saved.Incidents) - 1; i >= 0; i-- {
		if saved.Incidents[i].State == watchdog.StateResolved {
			if resolved++; resolved > resolvedMax {
				continue
			}
		}
		kept = append(kept, saved.Incidents[i])
	}
	saved.Incidents = kept
	loaded := map[string]bool{}
	for _, inc := range saved.Incidents {
		loaded[inc.ID] = true
	}
	for _, r := range d.receipts {
		if loaded[r.Incident] {
			saved.Receipts = append(saved.Receipts, r)
		}
	}
	return saved, nil
}

// conn is the store as one process reaches it: slow, failing, cut off when it is killed.
type conn struct {
	gate *gate
	backend
}

// commitMax is how long a commit of incidents takes when nothing is wrong.
const commitMax = 400 * time.Millisecond

var errDisk = errors.New("the disk does not take it")

func (c *conn) call(ctx context.Context, name string, do func() error) error {
	s := c.gate.sim
	s.mu.Lock()
	dice := s.roll("store", name)
	fails := dice.Float64() < s.trouble["store fails"]
	takes := time.Duration(dice.Float64() * s.trouble["store slow"] * float64(time.Second))
	if name == "save incidents" {
		takes += time.Duration(dice.Int64N(int64(commitMax)))
	}
	s.mu.Unlock()
	return c.gate.pass(ctx, name, takes, func() error {
		if fails {
			return errDisk
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return do()
	})
}

// SaveIncidents and the others are the backend's behind the gate.
func (c *conn) SaveIncidents(ctx context.Context, incidents []*watchdog.Incident) error {
	return c.call(ctx, "save incidents", func() error { return c.backend.SaveIncidents(ctx, incidents) })
}

func (c *conn) SaveRestart(ctx context.Context, r watchdog.Restart) error {
	return c.call(ctx, "save restart", func() error { return c.backend.SaveRestart(ctx, r) })
}

func (c *conn) SaveRules(ctx context.Context, r watchdog.SavedRules) error {
	return c.call(ctx, "save rules", func() error { return c.backend.SaveRules(ctx, r) })
}

func (c *conn) SaveReceipt(ctx context.Context, r watchdog.Receipt) error {
	return c.call(ctx, "save receipt", func() error { return c.backend.SaveReceipt(ctx, r) })
}

func (c *conn) SaveSilence(ctx context.Context, s watchdog.Silence) error {
	return c.call(ctx, "save silence", func() error { return c.backend.SaveSilence(ctx, s) })
}
