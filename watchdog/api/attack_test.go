package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

// pipes is a listener whose connections are within a bubble of synthetic time.
type pipes struct {
	coming chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{coming: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.coming:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close()
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipes"} }

// dial waits until it is accepted.
func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.coming <- theirs
	return ours
}

// beat posts a heartbeat on a connection and returns the line of status.
func beat(c net.Conn) (string, error) {
	answer := make(chan string, 1)
	go func() {
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			answer <- err.Error()
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		answer <- resp.Status
	}()
	const body = "consent a -\n"
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
		heartbeatsPath, pushSecret, len(body), body)
	return <-answer, err
}

// served runs f against an API that serves on pipes, in synthetic time.
func served(t *testing.T, f func(*testing.T, *pipes)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		r, p := newRig(t), newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.api.Serve(ctx, p) }()
		f(t, p)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Who sends a byte now and then is cut off, wherever in the request, and keeps nobody
// else waiting.
func TestSlowSendersAreCutOff(t *testing.T) {
	header := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n", heartbeatsPath, pushSecret)
	for name, tt := range map[string]struct {
		begin  string
		within time.Duration
		says   string
	}{
		"nothing":    {"", headerTimeout, ""},
		"the header": {"POST ", headerTimeout, ""},
		"the body":   {header, requestTimeout, "the body could not be read to its end"},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, func(t *testing.T, p *pipes) {
				slow, begun := p.dial(), time.Now()
				said := make(chan string, 1)
				go func() {
					text, _ := io.ReadAll(slow)
					said <- string(text)
				}()
				var sending sync.WaitGroup
				sending.Go(func() {
					if _, err := io.WriteString(slow, tt.begin); err != nil || tt.begin == "" {
						return
					}
					for {
						time.Sleep(time.Second)
						if _, err := slow.Write([]byte("x")); err != nil {
							return
						}
					}
				})
				time.Sleep(tt.within / 2)
				other, asked := p.dial(), time.Now()
				if status, err := beat(other); err != nil || status != "202 Accepted" || time.Since(asked) > 0 {
					t.Errorf("another sender: %s, %v after %s", status, err, time.Since(asked))
				}
				_ = other.Close()
				text := <-said
				if took := time.Since(begun); took > tt.within+2*time.Second || !strings.Contains(text, tt.says) {
					t.Errorf("cut off after %s with %q", took, text)
				}
				_ = slow.Close()
				sending.Wait()
			})
		})
	}
}

// A crowd that says nothing gives way: to a stranger, and never who is in the midst
// of a request.
func TestAQuietCrowdGivesWay(t *testing.T) {
	served(t, func(t *testing.T, p *pipes) {
		var crowd []net.Conn
		for range connectionsMax - 1 {
			crowd = append(crowd, p.dial())
		}
		last, known := p.dial(), crowd[len(crowd)-1]
		if status, err := beat(last); err != nil || status != "202 Accepted" {
			t.Fatalf("the last that has a place: %s, %v", status, err)
		}
		time.Sleep(2 * quietMin)
		if status, err := beat(known); err != nil || status != "202 Accepted" {
			t.Errorf("one of the crowd: %s, %v", status, err)
		}
		begun := time.Now()
		for range 100 {
			stranger := p.dial()
			if status, err := beat(stranger); err != nil || status != "202 Accepted" {
				t.Fatalf("a stranger: %s, %v", status, err)
			}
			crowd = append(crowd, stranger)
		}
		if took := time.Since(begun); took > 100*crowdRetry {
			t.Errorf("a hundred strangers waited for %s", took)
		}
		if status, err := beat(known); err != nil || status != "202 Accepted" {
			t.Errorf("one that spoke since: %s, %v", status, err)
		}
		for _, c := range append(crowd, last) {
			_ = c.Close()
		}
		synctest.Wait()
	})
}
