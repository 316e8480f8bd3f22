package sources

import "log/slog"

// Refusals counts a source's refused values, and logs each reason when it
// comes up, not at every read.
type Refusals struct {
	source  string
	metrics *Metrics
	log     *slog.Logger
	known   map[Reason]bool // reasons of the last read
}

// NewRefusals is for the source of that name.
func NewRefusals(source string, metrics *Metrics, log *slog.Logger) *Refusals {
	return &Refusals{source: source, metrics: metrics, log: log.With(slog.String("source", source))}
}

// Note takes in what one read refused.
func (r *Refusals) Note(b *Batch) {
	now := map[Reason]bool{}
	for _, t := range []*tally{&b.arrivals, &b.events} {
		for _, reason := range t.reasons() {
			refused := t.refused[reason]
			r.metrics.refused.WithLabelValues(r.source, string(reason)).Add(float64(refused.count))
			if !r.known[reason] && !now[reason] {
				r.log.Warn("values refused", slog.String("reason", string(reason)), slog.Int("count", refused.count), slog.Int("of", t.read),
					slog.String("first", clean(refused.first)), slog.String("hint", hints[reason]))
			}
			now[reason] = true
		}
	}
	r.known = now
}
