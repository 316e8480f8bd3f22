package api

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// serving runs an API on a port of its own until stop, which returns what Serve
// returned.
func serving(t *testing.T, r *rig) (address string, stop func() error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.api.Serve(ctx, l) }()
	t.Cleanup(cancel)
	return l.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

func get(t *testing.T, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestServeAnswersAndProbesItself(t *testing.T) {
	r := newRig(t)
	if err := r.api.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "it is not open") {
		t.Errorf("before Serve: %v", err)
	}
	address, stop := serving(t, r)
	if body, err := get(t, "http://"+address+"/-/healthy"); err != nil || body != "ok\n" {
		t.Fatalf("healthy: %q, %v", body, err)
	}
	if err := r.api.Probe(t.Context()); err != nil {
		t.Errorf("while serving: %v", err)
	}
	hung := silentFeed()
	hung.Now = now.Add(-2 * minute)
	r.engine.publish(hung)
	if err := r.api.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("while the watch hangs: %v", err)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := r.api.Probe(t.Context()); err == nil {
		t.Error("after Serve: the probe succeeds")
	}
}

// slowIngest holds a batch until it is let go.
type slowIngest struct{ taken, letGo chan struct{} }

func (s slowIngest) Submit(context.Context, feed.Report) ([]feed.Refusal, error) {
	close(s.taken)
	<-s.letGo
	return nil, nil
}

func TestServeLetsRequestsUnderWayEnd(t *testing.T) {
	slow := slowIngest{make(chan struct{}), make(chan struct{})}
	r := newRig(t, func(cfg *Config) { cfg.Ingest = slow })
	address, stop := serving(t, r)
	answered := make(chan string, 1)
	go func() {
		body, err := get(t, "http://"+address+"/ping/"+pushSecret+"/consent/acme")
		if err != nil {
			body = err.Error()
		}
		answered <- body
	}()
	<-slow.taken
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(slow.letGo)
	if body := <-answered; body != "ok\n" {
		t.Errorf("the request under way was answered %q", body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestServeSaysWhenTheListenerFails(t *testing.T) {
	r := newRig(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.api.Serve(t.Context(), l); err == nil || !strings.Contains(err.Error(), "serving HTTP on 127.0.0.1:") {
		t.Errorf("Serve: %v", err)
	}
}

func TestDialable(t *testing.T) {
	for listen, dial := range map[string]string{
		"0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80", "127.0.0.1:80": "127.0.0.1:80", "192.0.2.7:80": "192.0.2.7:80", "[2001:db8::1]:80": "[2001:db8::1]:80",
	} {
		addr, err := net.ResolveTCPAddr("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		if got := dialable(addr); got != dial {
			t.Errorf("%s is reached at %s, want %s", listen, got, dial)
		}
	}
}
