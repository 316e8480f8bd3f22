// Package said is a test helper: what the code under test says (log lines, errors,
// answers) is kept in the folder that FEEDWATCH_SAID names, where .ci/secrets
// looks through all of it for the tests' tokens. Without the variable it is dropped.
//
// Every token in a test holds Marker, which nothing else does.
package said

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Marker is part of every token in a test.
const Marker = "fwsecret"

// open is where this process's tests keep what was said.
var open = sync.OnceValue(func() io.Writer {
	dir := os.Getenv("FEEDWATCH_SAID")
	if dir == "" {
		return io.Discard
	}
	name := filepath.Join(dir, filepath.Base(os.Args[0])+"-"+strconv.Itoa(os.Getpid()))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err) // or nothing would be looked through
	}
	return file
})

type keep struct{}

func (keep) Write(p []byte) (int, error) { return open().Write(p) } // O_APPEND: whole lines, whoever writes

// Log is a logger that is only kept, every level of it.
func Log() *slog.Logger {
	return slog.New(slog.NewTextHandler(keep{}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Also writes to w, and keeps it.
func Also(w io.Writer) io.Writer { return io.MultiWriter(keep{}, w) }

// That keeps values, in every form in which they print.
func That(all ...any) {
	for _, v := range all {
		encoded, _ := json.Marshal(v) // whatever comes out
		_, _ = fmt.Fprintf(keep{}, "%v %+v %#v %s\n", v, v, v, encoded)
	}
}

// Answer keeps an answer whole, and leaves it to be read.
func Answer(resp *http.Response) {
	if dump, err := httputil.DumpResponse(resp, true); err == nil {
		_, _ = keep{}.Write(append(bytes.TrimSpace(dump), '\n'))
	}
}

// Transport keeps every answer that comes over base. Streams are left alone.
func Transport(base http.RoundTripper) http.RoundTripper { return transport{base} }

type transport struct{ base http.RoundTripper }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	switch {
	case err != nil:
		That(err)
	case resp.Header.Get("Content-Type") != "text/event-stream":
		Answer(resp)
	}
	return resp, err
}
