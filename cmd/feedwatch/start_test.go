package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// TestStartRefused starts the service where it cannot start: each time a sentence
// that says what to do, nothing left open, never a panic.
func TestStartRefused(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules")
	files, err := demoRules.ReadFile("demo/profiles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(dir, "wrong")
	for path, text := range map[string]string{
		filepath.Join(rules, "a.yaml"): string(files),
		filepath.Join(wrong, "a.yaml"): strings.Replace(string(files), "stale_after", "stale_afer", 1),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := func() *config {
		return &config{
			Install: "test", Listen: "127.0.0.1:0", ExternalURL: "http://127.0.0.1", Read: "open",
			Rules: rules, Store: storeConfig{Path: filepath.Join(dir, "state.db")},
		}
	}
	held, err := newService(t.Context(), base(), printedHere(notifiers.NewTerminal(os.Stderr, false), ""), said.Log())
	if err != nil {
		t.Fatal(err)
	}
	defer held.close()
	tests := []struct {
		name   string
		change func(*config)
		want   string
	}{
		{"address in use", func(c *config) { c.Listen = busy.Addr().String() }, "does another feedwatch run here?"},
		{"state file in use", func(*config) {}, "state.db"},
		{"no such folder", func(c *config) { c.Store.Path = filepath.Join(dir, "none", "state.db") }, "none"},
		{"wrong rules", func(c *config) { c.Rules = wrong; c.Store.Path = filepath.Join(dir, "b.db") }, `did you mean "stale_after"?`},
		{"no rules", func(c *config) { c.Rules = filepath.Join(dir, "nowhere"); c.Store.Path = filepath.Join(dir, "c.db") }, "nowhere"},
		{"short token", func(c *config) {
			c.Store.Path = filepath.Join(dir, "d.db")
			t.Setenv("SHORT_TOKEN", "abc")
			c.Tokens = []tokenConfig{{Name: "x", Secret: secret{Env: "SHORT_TOKEN"}, Feeds: []string{"*"}, Roles: []string{"push"}}}
		}, "openssl rand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := base()
			tt.change(cfg)
			s, err := newService(context.Background(), cfg, printedHere(notifiers.NewTerminal(os.Stderr, false), ""), said.Log())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want something with %q", err, tt.want)
			}
			if s != nil {
				t.Error("a service came back with the error")
			}
			t.Log(err)
		})
	}
}
