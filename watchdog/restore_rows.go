package watchdog

import "github.com/feedwatch/feedwatch/watchdog/feed"

// restoreFeed makes the rows of one feed's saved blocks, in the order of those.
func (m *Machine) restoreFeed(name string, images []BlockImage) {
	d, f := newDecoder(), m.feeds[name]
	for n, image := range images {
		rows, err := d.block(image)
		if err != nil {
			m.trouble["block "+name] = err.Error() + "; its series start anew with their next update"
			continue
		}
		if f == nil {
			f = m.addFeed(name)
			f.names.reserve((len(images)-1-n)*blockRows + len(rows))
		}
		for from := 0; from < len(rows); from += findAhead {
			m.restoreRows(f, rows[from:min(from+findAhead, len(rows))])
		}
		f.isSaved(image.Index, rows)
	}
}

// isSaved notices that a block is just what was read: then it need not be written.
func (f *feedState) isSaved(n int, rows []savedRow) {
	if len(rows) == 0 || n != len(f.blocks)-1 || f.blocks[n].len() != len(rows) {
		return // blocks before it were damaged, and rows are in others than they were
	}
	b := f.blocks[n]
	for i := range rows {
		if b.client(i) != rows[i].client || b.rows[i].arrival != rows[i].arrival || b.rows[i].event != rows[i].event {
			return
		}
	}
	b.marksChanged, b.namesChanged, b.savedRows = false, false, int32(b.len())
}

// restoreRows makes at most findAhead rows. As names.findEach does, it waits for the
// table of names once for all of them.
func (m *Machine) restoreRows(f *feedState, rows []savedRow) {
	var hashes [findAhead]uint64
	for i := range rows {
		hashes[i] = f.names.hash(rows[i].client)
		f.names.touch(hashes[i])
	}
	for i := range rows {
		if _, ok := f.names.findHashed(rows[i].client, hashes[i]); !ok {
			m.restoreRow(f, &rows[i], hashes[i])
		}
	}
}

func (m *Machine) restoreRow(f *feedState, row *savedRow, hash uint64) {
	if !row.labels.known {
		row.labels.known = true
		row.labels.id, _ = m.labelsID(f, row.labels.Labels)
	}
	id := f.addHashed(row.client, hash, 0, row.labels.id, m.restoreSources(row.sources))
	b, i := f.blocks[id.block()], id.place()
	b.rows[i].arrival, b.rows[i].event = m.notAhead(row.arrival), row.event
	b.rows[i].rate, b.rows[i].since = row.rate, row.since
	if row.counts != nil {
		m.restoreCounts(b, i, *row.counts)
	}
	if row.event > m.now.Add(feed.ClockSkewMax) {
		b.rows[i].event = 0
	}
	if !isGroup(row.client) {
		m.series++
		if row.retired {
			b.rows[i].verdict = Retired
		}
		f.count(b, i, +1)
	}
}

// restoreSources is the set of those that are still configured, or push.
func (m *Machine) restoreSources(saved *savedSources) uint8 {
	if saved.known {
		return saved.set
	}
	var mask uint64
	for _, name := range saved.names {
		if i := m.sources.find(name); i >= 0 {
			mask |= 1 << i
		}
	}
	if mask == 0 {
		mask = 1 << m.sources.find(feed.Push.Name)
	}
	saved.known, saved.set = true, m.sources.set(mask)
	return saved.set
}
