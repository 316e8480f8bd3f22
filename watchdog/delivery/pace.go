package delivery

import "time"

// pace keeps attempts within a number per minute and a least gap. It remembers
// the times of the last minute's attempts, so that no window of a minute holds
// more than allowed, whenever it begins.
type pace struct {
	perMinute int
	every     time.Duration
	last      time.Time
	recent    []time.Time // ring of the last perMinute attempts
	next      int
}

func newPace(perMinute int, every time.Duration) pace {
	return pace{perMinute: perMinute, every: every, recent: make([]time.Time, max(perMinute, 0))}
}

// reserve is what is kept of a minute's sends for resolves and critical pages.
func (p *pace) reserve() int { return p.perMinute / 5 }

// earliest is when the next attempt is allowed if keep of a minute's attempts
// are left for others; in the past when it is allowed now.
func (p *pace) earliest(keep int) time.Time {
	var at time.Time
	if p.every > 0 && !p.last.IsZero() {
		at = p.last.Add(p.every)
	}
	if p.perMinute <= 0 {
		return at
	}
	back := p.perMinute - keep // the back-th most recent attempt must be a minute old
	if full := p.recent[(p.next+p.perMinute-back)%p.perMinute]; !full.IsZero() {
		if minute := full.Add(time.Minute); minute.After(at) {
			at = minute
		}
	}
	return at
}

// took records an attempt at now.
func (p *pace) took(now time.Time) {
	p.last = now
	if p.perMinute > 0 {
		p.recent[p.next] = now
		p.next = (p.next + 1) % p.perMinute
	}
}
