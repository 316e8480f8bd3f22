package replay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/feedwatch/feedwatch/watchdog/replay"
)

// read is what recordings say, a heartbeat a line.
func read(t *testing.T, lenient bool, texts ...string) (lines []string, h *replay.Recordings, err error) {
	t.Helper()
	var all []replay.Recording
	for i, text := range texts {
		all = append(all, replay.Recording{Name: fmt.Sprintf("file%d", i), Reader: strings.NewReader(text), Bytes: int64(len(text))})
	}
	h, err = replay.Open(t.Context(), all, lenient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	for {
		beats, err := h.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return lines, h, nil
		}
		if err != nil {
			return lines, h, err
		}
		for _, b := range beats {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %d %d %s", b.Key, b.Arrival%100_000, b.Event%100_000, b.Labels)))
		}
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestRecordingForms(t *testing.T) {
	const lines = "p a 1763942400001 1763942400000\np b 1763942400002\n"
	const want = "[p/a 1 0 p/b 2 0]"
	for name, text := range map[string]string{
		"lines":             lines,
		"no line end":       strings.TrimSuffix(lines, "\n"),
		"comments, spaces":  "\n# from the feeder\n\n" + lines + "\n\n",
		"windows":           "\xef\xbb\xbf" + strings.ReplaceAll(lines, "\n", "\r\n"),
		"json":              `{"feed":"p","client":"a","time":1763942400001,"event_time":1763942400000}` + "\n" + `{"feed":"p","client":"b","time":"2025-11-24T00:00:00.002Z"}`,
		"csv":               "feed,client,time,event_time\np,a,1763942400001,1763942400000\np,b,2025-11-24T00:00:00.002Z,\n",
		"gzip":              gzipped(t, lines),
		"gzip of two":       gzipped(t, lines[:32]) + gzipped(t, lines[32:]),
		"zstd":              zstded(t, lines),
		"csv after a blank": "\n# from the warehouse\nfeed,client,time,event_time\r\np,a,1763942400001,1763942400000\r\np,b,1763942400002,\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, h, err := read(t, false, text)
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("got %v, %v, want %s", got, err, want)
			}
			if h.Share() != 1 {
				t.Errorf("read a share of %v", h.Share())
			}
		})
	}
}

// TestRecordingsMerge reads files side by side, by time.
func TestRecordingsMerge(t *testing.T) {
	got, _, err := read(t, false,
		"p a 1763942400001\np a 1763942400005\np a 1763942400009\n",
		"feed,client,time,cluster\np,b,1763942400002,x\np,b,1763942400006,x\n",
		"",
		gzipped(t, "p c 1763942400003\np c 1763942400012\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "[p/a 1 0 p/b 2 0 cluster=x p/c 3 0 p/a 5 0 p/b 6 0 cluster=x p/a 9 0 p/c 12 0]"
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

// TestRecordingIsReadInBlocks has more than one block, and mistakes far into it.
func TestRecordingIsReadInBlocks(t *testing.T) {
	const lines = 20_000
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "profiles client-%d %d\n", i%100, 1763942400000+i)
	}
	got, _, err := read(t, false, b.String())
	if err != nil || len(got) != lines || got[lines-1] != "profiles/client-99 19999 0" {
		t.Fatalf("%d heartbeats, %v", len(got), err)
	}
	b.WriteString("profiles client-1\nprofiles client-1 -\n")
	_, _, err = read(t, false, b.String())
	for _, want := range []string{"file0:20001: a line is `feed client unix_ms [event_unix_ms]`", "file0:20002: a recorded heartbeat has its time"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	got, h, err := read(t, true, b.String())
	if err != nil || len(got) != lines {
		t.Errorf("left out the wrong lines: %d heartbeats, %v", len(got), err)
	}
	if n, why := h.Wrong(); n != 2 || !strings.Contains(why.Error(), "file0:20001: ") {
		t.Errorf("%d wrong: %v", n, why)
	}
}

func TestRecordingsRefuse(t *testing.T) {
	packed := gzipped(t, strings.Repeat("p a 1763942400001\n", 1000))
	for name, c := range map[string]struct{ text, want string }{
		"an array":       {`[{"feed":"p"}]`, "file0:1: a JSON array is not read as a recording"},
		"far down":       {"\n# here\n\nfeed,client\n", "file0:4: the header has no column"},
		"a header":       {"feed,client,when\n", `file0:1: the header has no column "time"`},
		"no end":         {strings.Repeat("x", 1<<20), "file0:1: the line is longer than 131072 bytes"},
		"cut off":        {packed[:len(packed)-12], "file0:1: the compressed file ends too early"},
		"no gzip":        {"\x1f\x8b and more", "file0:1: "},
		"an unknown key": {`{"feed":"p","client":"a","time":1763942400001,"evnt_time":1}`, `did you mean "event_time"?`},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := read(t, false, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v after %v, want %q", err, got, c.want)
			}
		})
	}
	if _, err := replay.Open(t.Context(), make([]replay.Recording, replay.RecordingsMax+1), false); err == nil {
		t.Error("any number of files is opened at once")
	}
}

// TestRecordingsStop ends a reading whose file never does.
func TestRecordingsStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	h, err := replay.Open(ctx, []replay.Recording{{Name: "pipe", Reader: r}}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	stop()
	if _, err := h.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was stopped", err)
	}
	if h.Share() >= 0 {
		t.Error("a share of a pipe")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
