package engine

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// folder is a directory of rule files under a running watch.
type folder struct {
	t        *testing.T
	dir      string // the place that all is laid out in
	engine   *Engine
	reloader *Reloader
	hang     atomic.Pointer[chan struct{}] // where it is set, the disk answers once it is closed
}

// hanging is a disk that may not answer.
type hanging struct {
	fs.ReadLinkFS
	hang *atomic.Pointer[chan struct{}]
}

func (h hanging) Open(name string) (fs.File, error) {
	if c := h.hang.Load(); c != nil {
		<-*c
	}
	return h.ReadLinkFS.Open(name)
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) do(errs ...error) {
	f.t.Helper()
	if err := errors.Join(errs...); err != nil {
		f.t.Fatal(err)
	}
}

// write lays a set out in which the rule for all clients has that name.
func (f *folder) write(dir, rule string) {
	f.t.Helper()
	f.do(os.MkdirAll(f.path(dir), 0o755),
		os.WriteFile(f.path(dir+"/a.yaml"), []byte(strings.ReplaceAll(testRules, "name: all", "name: "+rule)), 0o600))
}

// wait is as long as a change may take to be seen.
func (f *folder) wait() {
	time.Sleep(3 * lookEvery)
	synctest.Wait()
}

func (f *folder) inForce() string {
	f.reloader.mu.Lock()
	defer f.reloader.mu.Unlock()
	return f.reloader.inForce.Feeds()[0].ClientRules()[0].Name()
}

func (f *folder) wants(rule, refusal string) {
	f.t.Helper()
	f.wait()
	if got := f.inForce(); got != rule {
		f.t.Errorf("rule %q is in force, want %q", got, rule)
	}
	got := f.engine.Status().Rules.Refusal
	if brief := f.engine.Status().Rules.Brief; (brief == "") != (got == "") || !strings.Contains(got, brief) || strings.Contains(brief, "\n") {
		f.t.Errorf("the refusal is %q in brief", brief)
	}
	if refusal == "" && got != "" || !strings.Contains(got, refusal) {
		f.t.Errorf("the refusal is %q, want %q", got, refusal)
	}
}

// watching runs a watch of dir/rules, which lay makes with the rule "old".
func watching(t *testing.T, lay func(*folder), during func(*folder)) {
	dir := t.TempDir()
	bubble.Test(t, func(t *testing.T) {
		m := &memory{saved: map[string]uint64{}}
		f := &folder{t: t, dir: dir, engine: start(t, m)}
		lay(f)
		f.reloader = &Reloader{
			Dir: f.path("rules"), Files: hanging{os.DirFS(f.path("rules")).(fs.ReadLinkFS), &f.hang}, Engine: f.engine, Log: slog.New(slog.DiscardHandler),
			Targets: []rules.Target{{Kind: "console", Name: "terminal"}},
		}
		f.do(f.reloader.Begin(t.Context(), nil))
		stop := running(t, f.engine)
		defer stop()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = f.reloader.Watch(ctx) }()
		f.wants("old", "")
		during(f)
	})
}

// However a set comes to be where the path leads, it is found.
func TestWatchSees(t *testing.T) {
	plain := func(f *folder) { f.write("rules", "old") }
	tests := map[string]struct{ lay, change func(*folder) }{
		"a file written in place": {plain, func(f *folder) { f.write("rules", "new") }},
		"a file put in place of another": {plain, func(f *folder) {
			f.write("other", "new")
			f.do(os.Rename(f.path("other/a.yaml"), f.path("rules/a.yaml")))
		}},
		"a file renamed": {plain, func(f *folder) {
			f.write("rules", "new")
			f.do(os.Rename(f.path("rules/a.yaml"), f.path("rules/b.yaml")))
		}},
		"a file of the same size and time": {plain, func(f *folder) {
			info, err := os.Stat(f.path("rules/a.yaml"))
			f.do(err)
			f.write("rules", "new")
			f.do(os.Chtimes(f.path("rules/a.yaml"), info.ModTime(), info.ModTime()))
		}},
		"the directory removed and made again": {plain, func(f *folder) {
			f.do(os.RemoveAll(f.path("rules")))
			f.write("rules", "new")
		}},
		"a symbolic link swapped": {
			func(f *folder) { f.write("v1", "old"); f.do(os.Symlink("v1", f.path("rules"))) },
			func(f *folder) {
				f.write("v2", "new")
				f.do(os.Symlink("v2", f.path("next")), os.Rename(f.path("next"), f.path("rules")))
			},
		},
		"a link of a link swapped": {
			func(f *folder) {
				f.write("v1", "old")
				f.do(os.Symlink("v1", f.path("current")), os.Symlink("current", f.path("rules")))
			},
			func(f *folder) {
				f.write("v2", "new")
				f.do(os.Symlink("v2", f.path("next")), os.Rename(f.path("next"), f.path("current")))
			},
		},
		"a ConfigMap's new version": {
			func(f *folder) {
				f.write("rules/..v1", "old")
				f.do(os.Symlink("..v1", f.path("rules/..data")), os.Symlink("..data/a.yaml", f.path("rules/a.yaml")))
			},
			func(f *folder) {
				f.write("rules/..v2", "new")
				f.do(os.Symlink("..v2", f.path("rules/..data_tmp")), os.Rename(f.path("rules/..data_tmp"), f.path("rules/..data")),
					os.RemoveAll(f.path("rules/..v1")))
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			watching(t, tt.lay, func(f *folder) {
				tt.change(f)
				f.wants("new", "")
			})
		})
	}
}

// What is above the directory may be replaced too.
func TestWatchSeesAParentReplaced(t *testing.T) {
	lay := func(f *folder) {
		f.write("place/rules", "old")
		f.do(os.Symlink("place/rules", f.path("rules")))
	}
	watching(t, lay, func(f *folder) {
		f.write("place2/rules", "new")
		f.do(os.Rename(f.path("place"), f.path("place1")), os.Rename(f.path("place2"), f.path("place")))
		f.wants("new", "")
	})
}

// A directory that is gone is said, once; the old rules stay until it is back.
func TestWatchSaysThatTheDirectoryIsMissing(t *testing.T) {
	watching(t, func(f *folder) { f.write("rules", "old") }, func(f *folder) {
		f.do(os.Rename(f.path("rules"), f.path("away")))
		f.wants("old", "no such file")
		since := f.engine.Status().Rules.RefusedAt
		f.wants("old", "no such file")
		if f.engine.Status().Rules.RefusedAt != since {
			t.Error("it is refused again and again")
		}
		f.do(os.Rename(f.path("away"), f.path("rules")))
		f.wants("old", "")
		f.write("rules", "new")
		f.wants("new", "")
	})
}

// A file that is written bit by bit is read when it is whole.
func TestWatchWaitsForStillness(t *testing.T) {
	watching(t, func(f *folder) { f.write("rules", "old") }, func(f *folder) {
		for i := range 20 {
			f.do(os.WriteFile(f.path("rules/a.yaml"), []byte(testRules[:i]), 0o600))
			time.Sleep(lookEvery)
		}
		f.write("rules", "new")
		f.wants("new", "")
		if !f.engine.Status().Rules.RefusedAt.IsZero() {
			t.Error("a file that was half written was refused")
		}
	})
}

// A disk that hangs is said, and does not hold up a stop.
func TestWatchSaysThatReadingHangs(t *testing.T) {
	watching(t, func(f *folder) { f.write("rules", "old") }, func(f *folder) {
		hang := make(chan struct{})
		f.hang.Store(&hang)
		time.Sleep(lookWithin)
		f.wants("old", "has not ended")
		time.Sleep(time.Hour)
		f.write("rules", "new")
		close(hang)
		time.Sleep(2 * lookEveryMax)
		f.wants("new", "")
	})
}

// A warning does not refuse a set: it is in the status while the set is in force,
// and in the log once.
func TestWarningsOfTheSetInForce(t *testing.T) {
	plain := func(f *folder) { f.write("rules", "old") }
	watching(t, plain, func(f *folder) {
		var log strings.Builder
		f.reloader.Log = slog.New(slog.NewTextHandler(&log, nil))
		const name = "no-paging-notifier"
		if got := f.engine.Status().Rules.Warnings; !strings.Contains(got, "["+name+"]") {
			t.Errorf("the warnings are %q", got)
		}
		f.write("rules", "new")
		f.wants("new", "")
		if n := strings.Count(log.String(), "check="+name); n != 1 || !strings.Contains(log.String(), "at=a.yaml:") {
			t.Errorf("the warning was logged %d times:\n%s", n, log.String())
		}
		f.do(os.WriteFile(f.path("rules/a.yaml"), []byte("# feedwatch: allow "+name+" a test\n"+testRules), 0o600))
		f.wants("all", "")
		if got := f.engine.Status().Rules.Warnings; !strings.Contains(got, "allow-of-nothing") {
			t.Errorf("the warnings are %q", got)
		}
		quiet := strings.Replace(testRules, "name: on-call", "name: on-call # feedwatch: allow "+name+" a test", 1)
		f.do(os.WriteFile(f.path("rules/a.yaml"), []byte(quiet), 0o600))
		f.wants("all", "")
		if got := f.engine.Status().Rules.Warnings; got != "" {
			t.Errorf("the warnings are %q\nof\n%s", got, quiet)
		}
	})
}

// TestChangedHearsWhatIsDifferent: once for each set that follows another, and not
// of one that was refused.
func TestChangedHearsWhatIsDifferent(t *testing.T) {
	plain := func(f *folder) { f.write("rules", "old") }
	var mu sync.Mutex
	var heard []string
	watching(t, plain, func(f *folder) {
		f.reloader.mu.Lock()
		f.reloader.Changed = func(from, to *rules.Set, changes []rules.Change, more int) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range changes {
				heard = append(heard, c.String())
			}
			if from.Version() == to.Version() || more > 0 {
				t.Errorf("from %s to %s, %d more", from.Version(), to.Version(), more)
			}
		}
		f.reloader.mu.Unlock()
		f.write("rules", "new")
		f.wants("new", "")
	})
	if want := "feed profiles, rule new: added|feed profiles, rule old: removed"; strings.Join(heard, "|") != want {
		t.Errorf("heard %q", heard)
	}
}

// A roster that is missing, or half there, empties no roster, and without its calendar no
// day is a holiday: the set is refused, and the one in force stays.
func TestWatchKeepsARosterThatIsMissingOrHalf(t *testing.T) {
	roster := func(f *folder, text string) { f.do(os.WriteFile(f.path("rules/c.csv"), []byte(text), 0o600)) }
	expected := func(f *folder, want int) {
		f.t.Helper()
		if got := len(f.reloader.InForce().Feeds()[0].Roster()); got != want {
			f.t.Errorf("%d clients are expected, want %d", got, want)
		}
	}
	lay := func(f *folder) {
		f.write("rules", "old")
		text, err := os.ReadFile(f.path("rules/a.yaml"))
		const beside = "    roster: {file: c.csv}\n    active: {holidays: {file: h.ics}, timezone: UTC}\n    rules:"
		f.do(err, os.WriteFile(f.path("rules/a.yaml"), []byte(strings.Replace(string(text), "    rules:", beside, 1)), 0o600))
		f.do(os.WriteFile(f.path("rules/h.ics"), []byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261224\nEND:VEVENT\nEND:VCALENDAR\n"), 0o600))
		roster(f, "client\na\nb\n")
	}
	watching(t, lay, func(f *folder) {
		roster(f, "client\na\nb")
		f.wants("old", "the last line has no end")
		expected(f, 2)
		f.do(os.Remove(f.path("rules/c.csv")))
		f.wants("old", "there is no file")
		expected(f, 2)
		roster(f, "client\na\nb\nc\n")
		f.wants("old", "")
		expected(f, 3)
		// What is kept for the next start has both.
		saved, err := rules.Parse(f.reloader.files)
		if f.do(err); saved.Version() != f.reloader.InForce().Version() {
			f.t.Errorf("saved is version %s, in force %s", saved.Version(), f.reloader.InForce().Version())
		}
		f.do(os.Remove(f.path("rules/h.ics")))
		f.wants("old", "there is no calendar")
	})
}
