package notifiers

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// SendTimeout bounds a request as a whole: dial, TLS, headers and body.
const SendTimeout = 10 * time.Second

// AnswerBytesMax bounds the body of an answer. Slack's page of a channel's
// history is the largest that anybody sends.
const AnswerBytesMax = 4 << 20

const (
	dialTimeout    = 5 * time.Second
	tlsTimeout     = 5 * time.Second
	idleTimeout    = 30 * time.Second // pages are rare: a connection kept longer is likely dead when it counts
	headerBytesMax = 64 << 10
)

// Sender makes HTTP requests that are bounded in time and size, follow no
// redirect (it would carry the token along), and are never repeated.
type Sender struct{ client *http.Client }

// NewSender makes one; an adapter keeps it for its life.
func NewSender() *Sender {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return newSender(&http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: headerBytesMax,
	})
}

func newSender(transport http.RoundTripper) *Sender {
	return &Sender{&http.Client{
		Transport:     transport,
		Timeout:       SendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Exchange is one request and what came back. Client libraries drop what the
// next attempt depends on (the reasons of a 400, Retry-After, whether anything
// was sent at all), so each call gets an Exchange as its HTTP client and is
// judged by what that recorded.
type Exchange struct {
	Status int         // 0: no answer
	Header http.Header // of the answer
	Body   []byte      // of the answer, whole

	sender  *Sender
	started bool
	sent    bool  // something may have reached the other side
	err     error // why there is no whole answer
}

// Exchange begins one.
func (s *Sender) Exchange() *Exchange { return &Exchange{sender: s} }

var errSecondRequest = errors.New("one attempt per call: a second request was refused")

// Do makes the request and reads the whole answer. It is what slack-go and
// go-pagerduty want of an HTTP client. A second call fails: retries are
// delivery's.
func (x *Exchange) Do(req *http.Request) (*http.Response, error) {
	if x.started {
		return nil, errSecondRequest
	}
	x.started = true
	var sent atomic.Bool // the trace may still be called after Do has returned
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	req.GetBody = nil // without it net/http cannot send the body a second time by itself
	resp, err := x.sender.client.Do(req)
	x.sent = sent.Load()
	if err != nil {
		x.err = err
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // the answer was read, or has failed already
	x.Status, x.Header = resp.StatusCode, resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, AnswerBytesMax+1))
	switch {
	case err != nil:
		x.err = fmt.Errorf("the answer broke off: %w", err)
	case len(body) > AnswerBytesMax:
		x.err = fmt.Errorf("the answer is longer than %d bytes", AnswerBytesMax)
	}
	if x.err != nil {
		return nil, x.err
	}
	x.Body = body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// timedOut says that our own bound ended the request.
func (x *Exchange) timedOut() bool {
	var timeout net.Error
	return errors.Is(x.err, context.DeadlineExceeded) || errors.As(x.err, &timeout) && timeout.Timeout()
}
