package notifiertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
)

// Harness is a notifier under test.
type Harness struct {
	// New makes the notifier, aimed at the API at url (without a path).
	New func(t *testing.T, url string) delivery.Notifier
	// Server is an API that takes Op; each case gets a new one.
	Server func(t *testing.T) http.Handler
	// Op is what is delivered; the case changes nothing about it.
	Op func() delivery.Op
	// Secrets must never be seen in an error.
	Secrets []string
	// AnyBody says that a 2xx counts whatever its body is.
	AnyBody bool
	// EmptyBody says that a 2xx counts only with no body at all.
	EmptyBody bool
	// Reasons is the body of a 400 as the API writes it, with a word that the
	// error must hold.
	Reasons, ReasonsWord string
}

// outcome is what a case expects: a class, or an acceptance.
type outcome struct {
	accepted   bool
	class      delivery.Class
	retryAfter time.Duration
	says       string
}

type conformanceCase struct {
	name  string
	fault Fault
	want  outcome
}

// Run holds a notifier against every way in which an API and the network
// between can answer, and not answer. Each attempt must end in the right class,
// reach the server once at most, and keep the secrets.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range h.cases() {
		t.Run(c.name, func(t *testing.T) { h.runCase(t, c) })
	}
	t.Run("timeout after accept", h.timeoutAfterAccept)
	t.Run("connection refused", h.connectionRefused)
	t.Run("certificate of nobody", h.badCertificate)
	t.Run("redirect", h.redirect)
	t.Run("endless answer", h.endlessAnswer)
}

func (h Harness) cases() []conformanceCase {
	anyBody := outcome{class: delivery.Ambiguous}
	if h.AnyBody {
		anyBody = outcome{accepted: true}
	}
	emptyBody := anyBody
	if h.EmptyBody {
		emptyBody = outcome{accepted: true}
	}
	const page = "<html><body>Sign in</body></html>"
	date := time.Date(2030, 1, 1, 0, 0, 7, 0, time.UTC)
	return []conformanceCase{
		{"accepted", nil, outcome{accepted: true}},
		{"429 with seconds", Answer(429, "", "Retry-After", "7"), outcome{class: delivery.RateLimited, retryAfter: 7 * time.Second}},
		{
			"429 with a date", Answer(429, "{}", "Retry-After", date.Format(http.TimeFormat), "Date", date.Add(-7*time.Second).Format(http.TimeFormat)),
			outcome{class: delivery.RateLimited, retryAfter: 7 * time.Second},
		},
		{"429 without a wait", Answer(429, `{"ok":false,"error":"ratelimited"}`, "Content-Type", "application/json"), outcome{class: delivery.RateLimited}},
		{"429 with nonsense", Answer(429, page, "Retry-After", "soon", "Content-Type", "text/html"), outcome{class: delivery.RateLimited}},
		{"500", Answer(500, "oops"), outcome{class: delivery.Ambiguous, says: "500"}},
		{"502 with a page", Answer(502, page, "Content-Type", "text/html"), outcome{class: delivery.Ambiguous}},
		{"503", Answer(503, ""), outcome{class: delivery.Ambiguous}},
		{"408", Answer(408, ""), outcome{class: delivery.Ambiguous}},
		{"accepted, then 504", AcceptThenAnswer(504, ""), outcome{class: delivery.Ambiguous}},
		{"400 without reasons", Answer(400, ""), outcome{class: delivery.BadPayload, says: "400"}},
		{"400 with reasons", Answer(400, h.Reasons, "Content-Type", "application/json"), outcome{class: delivery.BadPayload, says: h.ReasonsWord}},
		{"413", Answer(413, "too large"), outcome{class: delivery.BadPayload}},
		{"401", Answer(401, "{}"), outcome{class: delivery.Refused, says: "401"}},
		{"403", Answer(403, page, "Content-Type", "text/html"), outcome{class: delivery.Refused}},
		{"404", Answer(404, "not found"), outcome{class: delivery.Refused}},
		{"empty 200", Answer(200, ""), emptyBody},
		{"empty object", Answer(200, "{}", "Content-Type", "application/json"), anyBody},
		{"HTML 200", Answer(200, page, "Content-Type", "text/html"), anyBody},
		{"text 200", Answer(200, "ok"), anyBody},
		{"null 200", Answer(200, "null", "Content-Type", "application/json"), anyBody},
		{"200 that is cut JSON", Answer(200, `{"ok":true,"status":"succ`, "Content-Type", "application/json"), anyBody},
		{"connection cut", Cut(), outcome{class: delivery.Ambiguous}},
		{"connection cut after accept", AcceptThenCut(), outcome{class: delivery.Ambiguous}},
		{"connection cut mid-answer", AcceptThenCutMidAnswer(), outcome{class: delivery.Ambiguous}},
		{"400 that echoes", Echo(400, "text/plain"), outcome{class: delivery.BadPayload}},
		{"500 that echoes", Echo(500, "application/json"), outcome{class: delivery.Ambiguous}},
		{"403 that echoes", Echo(403, "text/plain"), outcome{class: delivery.Refused}},
	}
}

func (h Harness) runCase(t *testing.T, c conformanceCase) {
	var requests atomic.Int32
	f := &faults{}
	if c.fault != nil {
		f.Fail(c.fault)
	}
	front := f.front(h.Server(t))
	server := quiet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		front.ServeHTTP(w, r)
	}))
	server.Start()
	defer server.Close()
	ref, err := h.New(t, server.URL).Deliver(t.Context(), h.Op())
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want one attempt", n)
	}
	h.judge(t, c.want, ref, err)
}

// quiet is a server that does not log the connections it cuts.
func quiet(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	return server
}

func (h Harness) judge(t *testing.T, want outcome, ref string, err error) {
	t.Helper()
	if want.accepted {
		if err != nil || ref == "" {
			t.Errorf("ref %q, error %v, want acceptance with a ref", ref, err)
		}
		return
	}
	var failed *delivery.Error
	if !errors.As(err, &failed) {
		t.Fatalf("error %v (%T), want a *delivery.Error of class %s", err, err, want.class)
	}
	if failed.Class != want.class || failed.RetryAfter != want.retryAfter {
		t.Errorf("class %s, wait %s, want %s, %s: %v", failed.Class, failed.RetryAfter, want.class, want.retryAfter, err)
	}
	if ref != "" {
		t.Errorf("ref %q beside an error", ref)
	}
	if !strings.Contains(err.Error(), want.says) {
		t.Errorf("error %q does not say %q", err, want.says)
	}
	if strings.ContainsAny(err.Error(), "\n\r\t\x1b") || len(err.Error()) > 3000 {
		t.Errorf("error is not one bounded line: %q", err)
	}
	h.keepsSecrets(t, err)
}

// keepsSecrets looks for the secrets in every form in which an error prints,
// and in every error below it.
func (h Harness) keepsSecrets(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		said.That(e)
		encoded, _ := json.Marshal(e) // whatever comes out
		forms := e.Error() + fmt.Sprintf("%v %+v %#v %q %s", e, e, e, e, e) + string(encoded)
		for _, secret := range h.Secrets {
			if strings.Contains(forms, secret) {
				t.Errorf("the error holds a secret: %s", strings.ReplaceAll(forms, secret, "<<SECRET>>"))
			}
		}
	}
}

func (h Harness) timeoutAfterAccept(t *testing.T) {
	accepted := make(chan struct{})
	f := &faults{}
	f.Fail(AcceptThenHang(accepted))
	server := quiet(f.front(h.Server(t)))
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-accepted
		cancel()
	}()
	ref, err := h.New(t, server.URL).Deliver(ctx, h.Op())
	h.judge(t, outcome{class: delivery.Ambiguous}, ref, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v hides that it was interrupted", err)
	}
}

func (h Harness) connectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ref, err := h.New(t, url).Deliver(t.Context(), h.Op())
	h.judge(t, outcome{class: delivery.NotSent}, ref, err)
}

func (h Harness) badCertificate(t *testing.T) {
	server := quiet(h.Server(t))
	server.StartTLS()
	defer server.Close()
	ref, err := h.New(t, server.URL).Deliver(t.Context(), h.Op())
	h.judge(t, outcome{class: delivery.NotSent, says: "certificate"}, ref, err)
}

// redirect: a 307 would carry the token and the body to wherever it points.
func (h Harness) redirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var followed atomic.Int32
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
		f := &faults{}
		f.Fail(Answer(status, "", "Location", elsewhere.URL+"/?token=abc"))
		server := httptest.NewServer(f.front(h.Server(t)))
		ref, err := h.New(t, server.URL).Deliver(t.Context(), h.Op())
		h.judge(t, outcome{class: delivery.Refused, says: "not followed"}, ref, err)
		if followed.Load() > 0 {
			t.Errorf("a %d was followed", status)
		}
		server.Close()
		elsewhere.Close()
	}
}

func (h Harness) endlessAnswer(t *testing.T) {
	f := &faults{}
	f.Fail(func(w http.ResponseWriter, r *http.Request, accept func() *httptest.ResponseRecorder) {
		accept()
		chunk := make([]byte, 64<<10)
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	server := quiet(f.front(h.Server(t)))
	server.Start()
	defer server.Close()
	ref, err := h.New(t, server.URL).Deliver(t.Context(), h.Op())
	h.judge(t, outcome{class: delivery.Ambiguous, says: "longer than"}, ref, err)
}
