package api

import (
	"net/http"
	"testing"
)

func TestNotifiers(t *testing.T) {
	retried := ""
	r := newRig(t, func(c *Config) {
		c.Notifiers = func() []NotifierView {
			return []NotifierView{{Name: "pagerduty/cdp", Pending: 2, Refuses: "HTTP 401", FailingSince: now}}
		}
		c.Retry = func(kind, name string) bool {
			retried = kind + "/" + name
			return name == "cdp"
		}
	})
	want(t, r.do("GET", "/api/v1/notifiers", adminSecret, ""), http.StatusOK, `"name": "pagerduty/cdp"`, `"pending": 2`, `"refuses": "HTTP 401"`, `"failing_since": "2025-11-24T`)
	want(t, r.do("GET", "/api/v1/notifiers", readSecret, ""), http.StatusForbidden) // of one feed
	want(t, r.do("GET", "/api/v1/notifiers", "", ""), http.StatusUnauthorized)
	want(t, r.do("POST", "/api/v1/notifiers/pagerduty/cdp/retry", pushSecret, ""), http.StatusForbidden)
	want(t, r.do("POST", "/api/v1/notifiers/pagerduty/cdp/retry", otherSecret, ""), http.StatusForbidden)
	if retried != "" {
		t.Errorf("%s was retried by who may not", retried)
	}
	want(t, r.do("POST", "/api/v1/notifiers/pagerduty/cdp/retry", adminSecret, ""), http.StatusOK, "pagerduty/cdp")
	if retried != "pagerduty/cdp" {
		t.Errorf("retried %q", retried)
	}
	want(t, r.do("POST", "/api/v1/notifiers/pagerduty/other/retry", adminSecret, ""), http.StatusNotFound, "lists them")
}
