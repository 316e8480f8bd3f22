package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/rules"
)

// BenchmarkNext looks for the next op among thousands of open incidents that were
// told, while one waits.
func BenchmarkNext(b *testing.B) {
	bench := newBench(&memory{}, Destination{Target: slackA, Notifier: newScripted(Thread, nil)})
	dest := bench.byKey[slackA]
	for n := range knownMax {
		l := opened(fmt.Sprintf("%05d", n), rules.Error, slackA)
		bench.show(l)
		if n > 0 {
			p := dest.pairs[l.now.ID]
			for _, op := range p.ops {
				bench.receipt(p, op, "ref", "")
			}
			dest.plan(p, p.incident)
		}
	}
	if n := dest.waiting; n == 0 || n > 2 {
		b.Fatalf("%d ops wait", n)
	}
	for b.Loop() {
		if p, _ := dest.next(time.Now()); p == nil || dest.waiting == 0 {
			b.Fatal("nothing to do")
		}
	}
}

// BenchmarkNextOfThousands looks for it among thousands that all wait.
func BenchmarkNextOfThousands(b *testing.B) {
	bench := newBench(&memory{}, Destination{Target: pager, Notifier: newScripted(Alerts, nil), Limits: Limits{SendsPerMinute: 100}})
	dest := bench.byKey[pager]
	for n := range knownMax {
		bench.show(opened(fmt.Sprintf("%05d", n), rules.Error, pager))
	}
	for b.Loop() {
		if p, _ := dest.next(time.Now()); p == nil || dest.waiting != knownMax {
			b.Fatal("nothing to do")
		}
	}
}
