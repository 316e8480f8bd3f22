package notifiers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// attempt is one POST over a sender whose connections are made by dial.
func attempt(t *testing.T, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Exchange, *delivery.Error) {
	t.Helper()
	x := newSender(&http.Transport{DialContext: dial, DisableKeepAlives: true}).Exchange()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.example/x?token=hidden", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Do(req); err == nil {
		t.Fatal("no error")
	}
	return x, x.Failure("call", Redactor{})
}

// TestTimeout: the whole request has 10 seconds, wherever the time goes.
func TestTimeout(t *testing.T) {
	cases := []struct {
		name  string
		serve func(net.Conn) // nil: the dial itself hangs
		class delivery.Class
	}{
		{"the dial hangs", nil, delivery.NotSent},
		{"no answer", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, delivery.Ambiguous},
		{"the body drips", func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
			for err == nil {
				time.Sleep(time.Second) // of the bubble's time
				_, err = io.WriteString(c, ".")
			}
		}, delivery.Ambiguous},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				began, over := time.Now(), make(chan struct{}) // net/http dials on for others when a request gives up
				var served sync.WaitGroup
				_, failed := attempt(t, func(context.Context, string, string) (net.Conn, error) {
					if c.serve == nil {
						<-over
						return nil, net.ErrClosed
					}
					ours, theirs := net.Pipe()
					served.Go(func() {
						c.serve(theirs)
						_ = theirs.Close()
					})
					return ours, nil
				})
				if failed == nil || failed.Class != c.class || strings.Contains(failed.Error(), "hidden") {
					t.Errorf("error %v, want class %s without the URL", failed, c.class)
				}
				if took := time.Since(began); took != SendTimeout {
					t.Errorf("it took %s, want %s", took, SendTimeout)
				}
				close(over)
				served.Wait()
			})
		})
	}
}

func TestNotSent(t *testing.T) {
	for name, err := range map[string]error{
		"dial": &net.OpError{Op: "dial", Err: errors.New("connection refused")},
		"DNS":  &net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true},
	} {
		_, failed := attempt(t, func(context.Context, string, string) (net.Conn, error) { return nil, err })
		if failed.Class != delivery.NotSent || strings.Contains(failed.Error(), "hidden") {
			t.Errorf("%s: %v, want not_sent", name, failed)
		}
	}
}

// TestOneRequest: an exchange is one attempt, whatever a library would like.
func TestOneRequest(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests++ }))
	defer server.Close()
	x := NewSender().Exchange()
	if failed := x.Failure("call", Redactor{}); failed == nil || failed.Class != delivery.NotSent {
		t.Errorf("before any request: %v, want not_sent", failed)
	}
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := x.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	if requests != 1 || x.Failure("call", Redactor{}) != nil {
		t.Errorf("%d requests, failure %v, want one that counts", requests, x.Failure("call", Redactor{}))
	}
}

func TestClassOf(t *testing.T) {
	for status, want := range map[int]delivery.Class{
		100: delivery.Ambiguous, 301: delivery.Refused, 307: delivery.Refused, 400: delivery.BadPayload, 401: delivery.Refused, 402: delivery.Refused,
		403: delivery.Refused, 404: delivery.Refused, 407: delivery.Refused, 408: delivery.Ambiguous, 409: delivery.Ambiguous, 410: delivery.Refused,
		413: delivery.BadPayload, 418: delivery.Refused, 422: delivery.BadPayload, 425: delivery.Ambiguous, 429: delivery.RateLimited, 500: delivery.Ambiguous, 599: delivery.Ambiguous,
	} {
		if got, ok := ClassOf(status); ok || got != want {
			t.Errorf("ClassOf(%d) = %s, %v, want %s", status, got, ok, want)
		}
	}
	for _, status := range []int{200, 202, 204} {
		if _, ok := ClassOf(status); !ok {
			t.Errorf("%d is no success", status)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const now = "Mon, 24 Nov 2025 00:05:00 GMT"
	cases := []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"0.5", "", 500 * time.Millisecond},
		{"-1", "", 0},
		{"NaN", "", 0},
		{"1e300", "", retryAfterMax},
		{"99999999999999999999", "", retryAfterMax},
		{"soon", "", 0},
		{"Mon, 24 Nov 2025 00:05:30 GMT", now, 30 * time.Second},
		{"Mon, 24 Nov 2025 00:04:30 GMT", now, 0},
		{"Mon, 24 Nov 2225 00:04:30 GMT", now, retryAfterMax},
	}
	for _, c := range cases {
		x := &Exchange{Header: http.Header{"Retry-After": {c.value}, "Date": {c.date}}}
		if got := x.retryAfter(delivery.RateLimited); got != c.want {
			t.Errorf("Retry-After %q at %q is %s, want %s", c.value, c.date, got, c.want)
		}
		if got := x.retryAfter(delivery.Ambiguous); got != 0 {
			t.Errorf("a wait of %s without a 429", got)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"7", "Mon, 24 Nov 2025 00:05:30 GMT", "1e308", "-0", "Inf"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		x := &Exchange{Header: http.Header{"Retry-After": {v}}}
		if got := x.retryAfter(delivery.RateLimited); got < 0 || got > retryAfterMax {
			t.Errorf("%q is a wait of %s", v, got)
		}
	})
}
