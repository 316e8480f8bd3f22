package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestReplayPrometheus replays what a source of the configuration would have read:
// an update a minute, but for an hour from 01:00 on.
func TestReplayPrometheus(t *testing.T) {
	const begin, silent, again = 1795478400, 1795482000, 1795485600 // 24 Nov 2026 00:00, 01:00, 02:00
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		until, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		var values []string
		for at := int64(from); at <= int64(until); at += 60 {
			last := at - at%60
			if last > silent && last < again {
				last = silent
			}
			values = append(values, fmt.Sprintf(`[%d,"%d"]`, at, last))
		}
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"client":"acme","tier":"enterprise"},"values":[%s]}]}}`,
			strings.Join(values, ","))
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"feedwatch.yaml": "install: test\nsources:\n  prometheus:\n    - {name: prom-eu, url: " + server.URL + ", query: arrivals, feed: profiles, labels: [tier]}\n",
		"rules.yaml": "feeds:\n  - name: profiles\n    unmatched: ignore\n    escalation: on-call\n    rules: [{name: enterprise, match: ['tier=\"enterprise\"'], stale_after: 10m}]\n" +
			"escalations:\n  - {name: on-call, steps: [{notify: [slack/alerts]}]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{
		"--rules", filepath.Join(dir, "rules.yaml"), "--config", filepath.Join(dir, "feedwatch.yaml"),
		"--from", "2026-11-24T00:00:00Z", "--until", "2026-11-24T06:00:00Z",
	}
	out, errs, err := runReplayCommand(t, append(args, "--source", "prom-eu")...)
	if err != nil || errs != "" {
		t.Fatalf("%v; on stderr %q", err, errs)
	}
	for _, want := range []string{
		"302 heartbeats of 1 client, 24 Nov 2026 00:00 UTC to 24 Nov 2026 06:00 UTC",
		"24 Nov 2026 01:10 UTC  profiles was silent 1 h for its only client, acme (rule whole-feed, critical)",
		"first page 10 min after the last update; over 24 Nov 2026 02:05 UTC",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for source, want := range map[string]string{"prom-us": `has no Prometheus source "prom-us"; it has prom-eu`} {
		if _, _, err := runReplayCommand(t, append(args, "--source", source)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, _, err := runReplayCommand(t, append(args, "--source", "prom-eu", "history.txt")...); err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Errorf("error %v, want that one is too many", err)
	}
}
