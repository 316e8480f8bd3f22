package watchdog

import (
	"testing"
	"time"
)

// saved is what a machine hands to the store of all it holds.
func (r *rig) saved() *Saved {
	all := &Saved{}
	for more := true; more; {
		var flush Flush
		flush, more = r.m.Flush(AllBlocks)
		all.Blocks = append(all.Blocks, flush.Blocks...)
		all.Through = flush.Through
	}
	return all
}

// BenchmarkStart is from what the store hands over to the first rules in force.
func BenchmarkStart(b *testing.B) {
	r, _ := fleetOf(b, fleet)
	saved := r.saved()
	before := cpu(b)
	for b.Loop() {
		m := New(Config{}, r.now, saved)
		m.Step(r.now.Add(time.Second), &UseRules{r.m.set})
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/start")
}
