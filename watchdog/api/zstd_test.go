package api

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
)

func inZstd(t *testing.T, body io.Reader, options ...zstd.EOption) string {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, append(options, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestHeartbeatsInZstd(t *testing.T) {
	lines := strings.Repeat("consent a -\n", 1000)
	tests := map[string]struct {
		body string
		code int
		says string
	}{
		"lines":        {inZstd(t, strings.NewReader(lines)), 202, `"accepted": 1000`},
		"many lines":   {inZstd(t, strings.NewReader(strings.Repeat(lines, 50))), 202, `"accepted": 50000`},
		"two frames":   {strings.Repeat(inZstd(t, strings.NewReader(lines)), 2), 202, `"accepted": 2000`},
		"none":         {"consent a -\n", 400, "could not be read to its end"},
		"cut short":    {inZstd(t, strings.NewReader(lines))[:20], 400, "could not be read to its end"},
		"a bomb":       {inZstd(t, io.LimitReader(zeros{}, PlainBytesMax+1)), 413, "unpacks to more than 32 MiB"},
		"frames alike": {strings.Repeat(inZstd(t, io.LimitReader(zeros{}, 1<<20)), 1024), 413, "unpacks to more than 32 MiB"},
		"a window":     {inZstd(t, io.LimitReader(zeros{}, 17<<20), zstd.WithWindowSize(16<<20)), 400, "the zstd window is larger than 8 MiB"},
	}
	r := newRig(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second uses what the first gave back
				w := r.do("POST", heartbeatsPath, pushSecret, tt.body, "Content-Type", "text/plain", "Content-Encoding", "zstd")
				want(t, w, tt.code, tt.says)
			}
			r.wantNothingHeld()
			if n := len(r.api.shares.zstd); n != zstdReadersMax {
				t.Errorf("%d zstd readers are left", n)
			}
		})
	}
}

// Bodies in zstd wait for a reader no longer than for anything else.
func TestZstdReadersAreShared(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRig(t)
		body := inZstd(t, strings.NewReader("consent a -\n"))
		post := func(code int, says string) {
			t.Helper()
			want(t, r.do("POST", heartbeatsPath, pushSecret, body, "Content-Type", "text/plain", "Content-Encoding", "zstd"), code, says)
		}
		one, other := <-r.api.shares.zstd, <-r.api.shares.zstd
		begun := time.Now()
		post(http.StatusServiceUnavailable, "send them again in a few seconds")
		if took := time.Since(begun); took != busyWithin {
			t.Errorf("it waited for %s", took)
		}
		time.AfterFunc(busyWithin/2, func() { r.api.shares.zstd <- one })
		post(http.StatusAccepted, `"accepted": 1`)
		r.api.shares.zstd <- other
		r.wantNothingHeld()
	})
}
