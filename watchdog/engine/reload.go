package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// Reloader reads the rule files of a directory and puts them in force, whole or
// not at all.
type Reloader struct {
	Dir     string
	Engine  *Engine
	Targets []rules.Target // notifiers that exist
	Log     *slog.Logger

	mu      sync.Mutex
	inForce *rules.Set
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
	set, files, err := r.Read()
	if err == nil && good != nil {
		err = good.CheckSuccessor(set)
	}
	switch {
	case err == nil:
		r.inForce = set
		if good != nil { // so that whoever left the roster while we were down is seen to
			r.Engine.begin(good, last.At, "")
		}
		r.Engine.begin(set, feed.At(r.Engine.cfg.Now()), "")
		r.Engine.keep(ctx, set, files, feed.At(r.Engine.cfg.Now()))
		return nil
	case good == nil:
		return err
	default:
		r.inForce = good
		r.Log.Error("the rule files were refused; those accepted last are in force", slog.Any("error", err))
		r.Engine.begin(good, last.At, err.Error())
		return nil
	}
}

// Read parses and checks the directory without putting it in force.
func (r *Reloader) Read() (*rules.Set, []rules.File, error) {
	files, err := rules.LoadFS(os.DirFS(r.Dir))
	if err != nil {
		return nil, nil, fmt.Errorf("read rules in %s: %w", r.Dir, err)
	}
	set, err := rules.Parse(files)
	if err != nil {
		return nil, nil, err
	}
	if err := set.CheckTargets(r.Targets); err != nil {
		return nil, nil, err
	}
	return set, files, nil
}

// Reload reads the directory. A set that is wrong, or that lost a feed without
// saying so, is refused whole; the error is the findings, and the set in force stays.
func (r *Reloader) Reload(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	set, files, err := r.Read()
	if err == nil && r.inForce != nil {
		err = r.inForce.CheckSuccessor(set)
	}
	if err != nil {
		r.Log.Error("the rule files were refused; the rules in force stay", slog.Any("error", err))
		if sendErr := r.Engine.RefuseRules(ctx, err.Error()); sendErr != nil {
			return sendErr
		}
		return err
	}
	if r.inForce != nil && r.inForce.Version() == set.Version() && r.Engine.Status().Rules.Refusal == "" {
		return nil
	}
	r.inForce = set
	r.Log.Info("rules in force", slog.String("version", set.Version()), slog.Int("feeds", len(set.Feeds())))
	return r.Engine.UseRules(ctx, set, files)
}

// quietFor is how long a directory must be still before it is read: an editor's
// rename dance or a checkout in progress is not a set.
const quietFor = 500 * time.Millisecond

// Watch reloads whenever the directory changes, until ctx ends.
func (r *Reloader) Watch(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch rules: %w", err)
	}
	defer func() { _ = w.Close() }()
	if err := w.Add(filepath.Clean(r.Dir)); err != nil {
		return fmt.Errorf("watch rules in %s: %w", r.Dir, err)
	}
	quiet := time.NewTimer(quietFor)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.Events:
			quiet.Reset(quietFor)
		case err := <-w.Errors:
			r.Log.Error("watching the rule files failed; SIGHUP and /-/reload still work", slog.Any("error", err))
		case <-quiet.C:
			_ = r.Reload(ctx) // said by Reload
		}
	}
}
