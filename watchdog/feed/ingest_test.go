package feed

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const received = Instant(1_763_942_700_000) // 24 Nov 2025 00:05:00 UTC

// read is what a batch made of a body, as lines for people.
func read(b *Batch, err error) string {
	var out strings.Builder
	for i, h := range b.Heartbeats {
		fmt.Fprintf(&out, "%d:%d %s at %s", b.places[i].index, b.places[i].line, h.Key, h.Arrival)
		if h.Event != 0 {
			fmt.Fprintf(&out, " made %s", h.Event)
		}
		if h.Count != 1 {
			fmt.Fprintf(&out, " x%d", h.Count)
		}
		if !h.Labels.IsZero() {
			fmt.Fprintf(&out, " {%s}", h.Labels)
		}
		out.WriteString("\n")
	}
	for _, e := range b.Errors {
		fmt.Fprintf(&out, "%d:%d error: %v\n", e.Index, e.Line, e.Err)
	}
	if err != nil {
		fmt.Fprintf(&out, "whole: %v\n", err)
	}
	return out.String()
}

func TestParseLines(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"arrival and event": {
			"profiles acme 1763942400000 1763942399000\n",
			"0:1 profiles/acme at 2025-11-24T00:00:00Z made 2025-11-23T23:59:59Z\n",
		},
		"now": {"profiles acme -\n", "0:1 profiles/acme at 2025-11-24T00:05:00Z\n"},
		"a feeder that writes 0 for never": {
			"a b 0\na c - 0\na d 000\n",
			"0:1 error: unix_ms: " + errStampZero.Error() + "\n1:2 error: event_unix_ms: " + errStampZero.Error() + "\n2:3 error: unix_ms: " + errStampZero.Error() + "\n",
		},
		"white space, comments and empty lines keep line numbers": {
			"# from the feeder\r\n\r\n  profiles\t acme   -  -\r\n",
			"0:3 profiles/acme at 2025-11-24T00:05:00Z\n",
		},
		"no line end at the end": {"a b -", "0:1 a/b at 2025-11-24T00:05:00Z\n"},
		"a clock that runs ahead a little gives the time of receipt": {
			"a b 1763942760000", "0:1 a/b at 2025-11-24T00:05:00Z\n",
		},
		"a clock that runs far ahead is left for the machine": {
			"a b 1763943060000", "0:1 a/b at 2025-11-24T00:11:00Z\n",
		},
		"the good ones beside the bad": {
			"a b\na c -\na d 12x\n-a e -\na f - - g\n",
			"1:2 a/c at 2025-11-24T00:05:00Z\n" +
				"0:1 error: " + errLineFew.Error() + "\n" +
				"2:3 error: unix_ms: give unix milliseconds in digits\n" +
				"3:4 error: bad name: feed \"-a\": letters, digits, '.', '_' and '-' are allowed, and a letter or digit first\n" +
				"4:5 error: " + errLineMany.Error() + "\n",
		},
		"other units": {
			"a b 1763942400\na b 1763942400000000\na b - 1763942400000000000\n",
			"0:1 error: unix_ms: this looks like seconds; give unix milliseconds\n" +
				"1:2 error: unix_ms: this looks like micro- or nanoseconds; give unix milliseconds\n" +
				"2:3 error: event_unix_ms: this looks like micro- or nanoseconds; give unix milliseconds\n",
		},
		"a line too long": {
			"a " + strings.Repeat("b", LineBytesMax) + " -\na b -",
			"1:2 a/b at 2025-11-24T00:05:00Z\n0:1 error: the line is longer than 4096 bytes\n",
		},
		"not UTF-8": {"a b\xff -", "0:1 error: bad name: client \"b\\xff\" is not UTF-8\n"},
		"nothing":   {"\n\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := NewBatch()
			b.Reset(received)
			err := b.ParseLines([]byte(tt.text))
			if got := read(b, err); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestParseJSON(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"least": {`{"feed":"a","client":"b"}`, "0:0 a/b at 2025-11-24T00:05:00Z\n"},
		"all of it": {
			`[{"feed":"a","client":"b c/d","event_time":"2025-11-24T01:00:00+01:00","time":1763942400000.7,"count":7,"labels":{"cluster":"fsn1"}}]`,
			"0:0 a/b c/d at 2025-11-24T00:00:00Z made 2025-11-24T00:00:00Z x7 {cluster=fsn1}\n",
		},
		"null is nothing said": {
			`{"feed":"a","client":"b","event_time":null,"time":null,"count":null,"labels":null}`,
			"0:0 a/b at 2025-11-24T00:05:00Z\n",
		},
		"idle":               {`{"feed":"a","client":"b","count":0}`, "0:0 a/b at 2025-11-24T00:05:00Z x0\n"},
		"objects in a row":   {`{"feed":"a","client":"b"}{"feed":"a","client":"c"}`, "0:0 a/b at 2025-11-24T00:05:00Z\n1:0 a/c at 2025-11-24T00:05:00Z\n"},
		"a slip in a field":  {`{"feed":"a","client":"b","event_tme":1}`, "0:0 error: unknown field \"event_tme\": did you mean \"event_time\"?\n"},
		"a field by case":    {`{"feed":"a","client":"b","eventTime":1}`, "0:0 error: unknown field \"eventTime\": did you mean \"event_time\"?\n"},
		"a field of another": {`{"feed":"a","client":"b","host":1}`, "0:0 error: unknown field \"host\": a heartbeat has feed, client, event_time, time, count, labels\n"},
		"wrong kinds": {
			`[{"feed":1,"client":"b"},{"feed":"a","client":null},{"feed":"a","client":"b","count":-1},{"feed":"a","client":"b","count":1.5},` +
				`{"feed":"a","client":"b","labels":{"n":1}},{"feed":"a","client":"b","time":true},7,"x"]`,
			"0:0 error: feed: give a string\n1:0 error: client: give a string\n" +
				"2:0 error: count: give a whole number from 0 to 4294967295\n3:0 error: count: give a whole number from 0 to 4294967295\n" +
				"4:0 error: labels: give an object of strings, such as {\"cluster\":\"fsn1\"}\n" +
				"5:0 error: time: give RFC 3339 in a string or unix milliseconds in a number\n" +
				"6:0 error: " + errItemObject.Error() + "\n7:0 error: " + errItemObject.Error() + "\n",
		},
		"times that are none": {
			`[{"feed":"a","client":"b","event_time":"2025-11-24T00:00:00"},{"feed":"a","client":"b","event_time":"2025-11-24 00:00:00"},` +
				`{"feed":"a","client":"b","event_time":"yesterday"},{"feed":"a","client":"b","event_time":1763942400.5},` +
				`{"feed":"a","client":"b","event_time":1e400},{"feed":"a","client":"b","event_time":"0001-01-01T00:00:00Z"}]`,
			"0:0 error: event_time: \"2025-11-24T00:00:00\" has no time zone: end it with Z or an offset such as +01:00\n" +
				"1:0 error: event_time: \"2025-11-24 00:00:00\" is not RFC 3339: write a T between date and time\n" +
				"2:0 error: event_time: \"yesterday\" is not RFC 3339, such as 2025-11-24T00:05:00Z\n" +
				"3:0 error: event_time: this looks like seconds; give unix milliseconds\n" +
				"4:0 error: event_time: this looks like micro- or nanoseconds; give unix milliseconds\n" +
				"5:0 error: event_time: the year 1 is not one of updates\n",
		},
		"0 for never": {
			`[{"feed":"a","client":"b","time":0},{"feed":"a","client":"b","event_time":0.0},{"feed":"a","client":"b","time":-1}]`,
			"0:0 error: time: " + errStampZero.Error() + "\n1:0 error: event_time: " + errStampZero.Error() + "\n2:0 error: time: " + errStampSeconds.Error() + "\n",
		},
		"not UTF-8":       {"{\"feed\":\"a\",\"client\":\"b\xff\"}", "0:0 error: the heartbeat is not UTF-8\n"},
		"ends too early":  {`[{"feed":"a","client":"b"}`, "0:0 a/b at 2025-11-24T00:05:00Z\nwhole: the body is not JSON: it ends too early\n"},
		"something after": {`[] []`, "whole: the body is not JSON: something follows the array at byte 4\n"},
		"empty array":     {`[]`, ""},
		"nothing":         {" \n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := NewBatch()
			b.Reset(received)
			err := b.ParseJSON([]byte(tt.text))
			if got := read(b, err); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestParseNDJSONRefusesALineByItself(t *testing.T) {
	b := NewBatch()
	b.Reset(received)
	err := b.ParseNDJSON([]byte("{\"feed\":\"a\",\"client\":\"b\"}\r\n\n{\"feed\":\n{\"feed\":\"a\",\"client\":\"c\"}"))
	want := "0:1 a/b at 2025-11-24T00:05:00Z\n2:4 a/c at 2025-11-24T00:05:00Z\n1:3 error: not a JSON object: unexpected end of JSON input\n"
	if got := read(b, err); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestABatchHasALimit(t *testing.T) {
	parse := map[string]func(b *Batch, n int) error{
		"lines": func(b *Batch, n int) error { return b.ParseLines([]byte(strings.Repeat("a b -\n", n))) },
		"ndjson": func(b *Batch, n int) error {
			return b.ParseNDJSON([]byte(strings.Repeat(`{"feed":"a","client":"b"}`+"\n", n)))
		},
		"array": func(b *Batch, n int) error {
			return b.ParseJSON([]byte("[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]"))
		},
	}
	for name, parse := range parse {
		t.Run(name, func(t *testing.T) {
			b := NewBatch()
			b.Reset(received)
			if err := parse(b, BatchHeartbeatsMax); err != nil {
				t.Fatalf("%d heartbeats: %v", BatchHeartbeatsMax, err)
			}
			b.Reset(received)
			if err := parse(b, BatchHeartbeatsMax+1); !errors.Is(err, ErrTooManyHeartbeats) {
				t.Errorf("one more: %v", err)
			}
		})
	}
}

func TestErrorsAreListedUpToALimit(t *testing.T) {
	b := NewBatch()
	b.Reset(received)
	if err := b.ParseLines([]byte(strings.Repeat("wrong\n", BatchErrorsMax+50))); err != nil {
		t.Fatal(err)
	}
	if len(b.Errors) != BatchErrorsMax || b.ErrorsAll != BatchErrorsMax+50 || b.Refused != BatchErrorsMax+50 {
		t.Errorf("listed %d, counted %d, refused %d", len(b.Errors), b.ErrorsAll, b.Refused)
	}
}

func TestKeepDropsFeedsAndKeepsPlaces(t *testing.T) {
	b := NewBatch()
	b.Reset(received)
	if err := b.ParseLines([]byte("a x -\nb x -\nb y -\nwrong\na y -\n")); err != nil {
		t.Fatal(err)
	}
	b.Keep(func(name string) error {
		if name == "b" {
			return errors.New("not yours")
		}
		return nil
	})
	b.Refuse(1, errors.New("refused later"))
	want := "0:1 a/x at 2025-11-24T00:05:00Z\n4:5 a/y at 2025-11-24T00:05:00Z\n" +
		"3:4 error: " + errLineFew.Error() + "\n1:2 error: not yours\n2:3 error: not yours\n4:5 error: refused later\n"
	if got := read(b, nil); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if b.Items() != 5 || b.Refused != 4 {
		t.Errorf("items %d, refused %d", b.Items(), b.Refused)
	}
}

// A line and an object that say the same are the same heartbeat, on a new batch
// and on one that was used before.
func TestLinesAndJSONAgree(t *testing.T) {
	used := NewBatch()
	rapid.Check(t, func(t *rapid.T) {
		feedName := rapid.StringMatching(`[a-z][a-z0-9._-]{0,9}`).Draw(t, "feed")
		client := rapid.StringMatching(`[!-~]{1,12}`).Draw(t, "client")
		at := rapid.Int64Range(stampMillisMin, int64(received)).Draw(t, "time")
		event := rapid.Int64Range(stampMillisMin, stampMillisMax).Draw(t, "event")
		used.Reset(received)
		if err := used.ParseLines(fmt.Appendf(nil, "%s %s %d %d", feedName, client, at, event)); err != nil {
			t.Fatal(err)
		}
		b := NewBatch()
		b.Reset(received)
		if err := b.ParseJSON(fmt.Appendf(nil, `{"feed":%q,"client":%q,"time":%d,"event_time":%d}`, feedName, client, at, event)); err != nil {
			t.Fatal(err)
		}
		if len(used.Heartbeats) != 1 || len(b.Heartbeats) != 1 || used.Heartbeats[0] != b.Heartbeats[0] {
			t.Fatalf("line %q and object %q differ", read(used, nil), read(b, nil))
		}
	})
}

func TestALineAllocatesNothing(t *testing.T) {
	text := []byte(strings.Repeat("external-profiles acme 1763942400000 1763942399000\n", 100))
	b := NewBatch()
	run := func() {
		b.Reset(received)
		if err := b.ParseLines(text); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 1 { // the copy of the text
		t.Errorf("%v allocations for 100 lines", n)
	}
}

// checkBatch holds for whatever a body says.
func checkBatch(t *testing.T, b *Batch, err error) {
	t.Helper()
	if len(b.Heartbeats)+b.Refused != b.Items() || len(b.places) != len(b.Heartbeats) {
		t.Fatalf("%d heartbeats and %d refused of %d items, %d places", len(b.Heartbeats), b.Refused, b.Items(), len(b.places))
	}
	for i, h := range b.Heartbeats {
		if _, err := ParseKey(h.Key.Feed(), h.Key.Client()); err != nil {
			t.Fatalf("heartbeat %d: %v", i, err)
		}
		if h.Arrival <= 0 || h.Arrival > received && h.Arrival <= received.Add(ClockSkewMax) {
			t.Fatalf("heartbeat %d arrived at %d", i, h.Arrival)
		}
		if i > 0 && b.places[i].index <= b.places[i-1].index {
			t.Fatalf("places do not rise at %d", i)
		}
	}
	for _, e := range b.Errors {
		if e.Err == nil || len(e.Err.Error()) > 4<<10 {
			t.Fatalf("error %v", e.Err)
		}
	}
	if err != nil && !errors.Is(err, ErrNotJSON) && !errors.Is(err, ErrTooManyHeartbeats) {
		t.Fatalf("refused whole: %v", err)
	}
}

func FuzzParseLines(f *testing.F) {
	for _, s := range []string{"a b -", "a b 1763942400000 1763942399000\n# c\n\n", "a\tb\t0\r\n", "a b 99999999999999999999", "a \xff -"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := NewBatch()
		for range 2 { // the second time by the names that are kept
			b.Reset(received)
			checkBatch(t, b, b.ParseLines(text))
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"feed":"a","client":"b"}`, `[{"feed":"a","client":"b","event_time":"2025-11-24T00:00:00Z","count":0,"labels":{"x":"y"}},7]`, "{}\n{}", `[`, `{"feed":"a","client":"b","time":1e999}`, `{"":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		b := NewBatch()
		b.Reset(received)
		checkBatch(t, b, b.ParseJSON(doc))
		b.Reset(received)
		checkBatch(t, b, b.ParseNDJSON(doc))
	})
}

func BenchmarkParseLines(b *testing.B) {
	for _, clients := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			var text []byte
			lines := max(clients, 10_000)
			for i := range lines { // 7919 is prime to both: every client comes, in no order
				text = fmt.Appendf(text, "external-profiles client-%06d %d %d\n", i*7919%clients, received, received-1000)
			}
			batch := NewBatch()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset(received)
				if err := batch.ParseLines(text); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*lines)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

func BenchmarkParseNDJSON(b *testing.B) {
	var text []byte
	const lines = 1000
	for i := range lines {
		text = fmt.Appendf(text, `{"feed":"external-profiles","client":"client-%06d","event_time":"2025-11-24T00:00:00Z"}`+"\n", i)
	}
	batch := NewBatch()
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset(received)
		if err := batch.ParseNDJSON(text); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
}
