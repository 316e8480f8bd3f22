package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reloader reads the rule files of a directory and puts them in force, whole or
// not at all.
type Reloader struct {
	Dir     string // as people call it
	Files   fs.FS  // what it leads to now: os.DirFS(Dir)
	Engine  *Engine
	Targets []rules.Target // notifiers that exist
	Log     *slog.Logger
	// Changed hears of a set that follows another, with what is different; nil:
	// nobody does. It must not wait.
	Changed func(from, to *rules.Set, changes []rules.Change, more int)

	mu      sync.Mutex
	inForce *rules.Set
	files   []rules.File // of inForce
	judged  digest       // of what was put in force or refused last
}

// Begin puts the first rules in force, before the engine runs: those of the
// directory, or the last known good where the directory is broken or lost a feed.
// The error is the findings, when there is nothing to begin with.
func (r *Reloader) Begin(ctx context.Context, last *watchdog.SavedRules) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var good *rules.Set
	if last != nil {
		good, _ = rules.Parse(last.Files) // a newer feedwatch may read them differently
	}
	seen := r.look()
	set, err := r.judge(seen, good)
	if err == nil || good != nil {
		r.judged = seen.digest()
	}
	switch {
	case err == nil:
		r.inForce, r.files = good, filesOf(last)
		r.follow(set, seen.files)
		if good != nil && good.Version() != set.Version() { // so that whoever left the roster while we were down is seen to
			r.Engine.begin(good, last.At, nil)
		}
		r.Engine.begin(set, feed.At(r.Engine.cfg.Now()), nil)
		r.Engine.keep(ctx, set, seen.files, feed.At(r.Engine.cfg.Now()))
		r.warn(set)
		return nil
	case good == nil:
		return err
	default:
		r.inForce, r.files = good, last.Files
		r.Log.Error("the rule files were refused; those accepted last are in force", slog.Any("error", err))
		r.Engine.begin(good, last.At, err)
		return nil
	}
}

// look is what the directory held at one moment: its files, or why they could
// not be read.
type look struct {
	files []rules.File
	err   error
}

func (r *Reloader) look() look {
	files, err := rules.LoadFS(r.Files)
	if err != nil {
		if of := (*fs.PathError)(nil); errors.As(err, &of) && of.Path == "." {
			err = of.Err
		}
		err = fmt.Errorf("read rules in %s: %w", r.Dir, err)
	}
	return look{files, err}
}

// digest tells two looks apart.
type digest [sha256.Size]byte

func (l look) digest() digest {
	hash := sha256.New()
	if l.err != nil {
		fmt.Fprintf(hash, "%s\x00", l.err)
	}
	for _, f := range l.files {
		fmt.Fprintf(hash, "%s\x00%d\x00", f.Name, len(f.Data))
		_, _ = hash.Write(f.Data)
	}
	return digest(hash.Sum(nil))
}

// judge is the set that was seen, or why it may not follow the one before.
func (r *Reloader) judge(seen look, before *rules.Set) (*rules.Set, error) {
	if seen.err != nil {
		return nil, seen.err
	}
	set, err := rules.ParseFor(seen.files, r.Targets)
	if err == nil && before != nil {
		err = before.CheckSuccessor(set)
	}
	if err != nil {
		return nil, err
	}
	return set, nil
}

// Reload reads the directory. A set that is wrong, or that lost a feed without
// saying so, is refused whole; the error is the findings, and the set in force stays.
func (r *Reloader) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.take(ctx, r.look())
}

// take puts what was seen in force, or refuses it. The caller holds r.mu.
func (r *Reloader) take(ctx context.Context, seen look) error {
	set, err := r.judge(seen, r.inForce)
	if err != nil {
		if sendErr := r.refuse(ctx, err); sendErr != nil {
			return sendErr
		}
		r.judged = seen.digest()
		return err
	}
	if r.inForce == nil || r.inForce.Version() != set.Version() || r.Engine.Status().Rules.Refusal != "" {
		if err := r.Engine.UseRules(ctx, set, seen.files); err != nil {
			return err
		}
		r.follow(set, seen.files)
		r.Log.Info("rules in force", slog.String("version", set.Version()), slog.Int("feeds", len(set.Feeds())))
		r.warn(set)
	}
	r.judged = seen.digest()
	return nil
}

// warningsLogged bounds how many warnings about one set are logged; the page has
// all of them.
const warningsLogged = 20

// warn logs what somebody should look at in a set that is in force.
func (r *Reloader) warn(set *rules.Set) {
	all := set.WarningsAt(feed.At(r.Engine.cfg.Now())).All
	for _, f := range all[:min(len(all), warningsLogged)] {
		r.Log.Warn("warning about the rules in force", slog.String("at", f.Pos.String()), slog.String("check", string(f.Check)), slog.String("message", f.Message))
	}
	if more := len(all) - warningsLogged; more > 0 {
		r.Log.Warn("more warnings about the rules in force are on the page", slog.Int("more", more))
	}
}

// InForce is the set that feedwatch goes by; never nil after Begin.
func (r *Reloader) InForce() *rules.Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.inForce
}

// follow takes set for the one in force, and says what is different.
func (r *Reloader) follow(set *rules.Set, files []rules.File) {
	before, was := r.inForce, r.files
	r.inForce, r.files = set, files
	if r.Changed == nil || before == nil {
		return
	}
	if changes, more := rules.Changes(was, files); len(changes) > 0 {
		r.Changed(before, set, changes, more)
	}
}

func filesOf(last *watchdog.SavedRules) []rules.File {
	if last == nil {
		return nil
	}
	return last.Files
}

// refuse says why the rules in force stay.
func (r *Reloader) refuse(ctx context.Context, why error) error {
	r.Log.Error("the rule files were refused; the rules in force stay", slog.Any("error", why))
	return r.Engine.RefuseRules(ctx, why)
}
