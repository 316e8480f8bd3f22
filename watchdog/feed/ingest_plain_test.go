package feed

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// plainTexts are read without encoding/json; the others need it, or are wrong.
var plainTexts = []struct {
	text  string
	plain bool
}{
	{`{"feed":"a","client":"b"}`, true},
	{` { "client" : "b c" ,` + "\t" + `"feed":"a" } `, true},
	{`{"feed":"a","client":"é"}`, true},
	{`{"feed":"a","client":"b","time":1763942400000,"event_time":"2025-11-24T01:00:00+01:00","count":12}`, true},
	{`{"feed":"a","client":"b","time":null,"event_time":null}`, true},
	{`{"feed":"a","client":"b","labels":{"cluster":"fsn1","tier":"\u0061"}}`, true},
	{`{"feed":"a","client":"b","labels":{}}`, true},

	{``, false},
	{`{}`, false},
	{`{"feed":"a","client":"b"} {}`, false},
	{`{"feed":"a","client":"b",}`, false},
	{`{"feed":"a" "client":"b"}`, false},
	{`{"feed":"a","client":"\u0062"}`, false},
	{"{\"feed\":\"a\",\"client\":\"b\u0001\"}", false},
	{`{"feed":"a","client":"b`, false},
	{`{"feed":"a","client":" b"}`, false},
	{`{"feed":"a b","client":"b"}`, false},
	{`{"feed":"a","feed":"b","client":"b"}`, false},
	{`{"Feed":"a","client":"b"}`, false},
	{`{"feed":null,"client":"b"}`, false},
	{`{"feed":"a","client":"b","count":0}`, false},
	{`{"feed":"a","client":"b","count":01}`, false},
	{`{"feed":"a","client":"b","count":4294967296}`, false},
	{`{"feed":"a","client":"b","time":1763942400000.5}`, false},
	{`{"feed":"a","client":"b","time":1763942400}`, false},
	{`{"feed":"a","client":"b","time":nullx}`, false},
	{`{"feed":"a","client":"b","labels":null}`, false},
	{`{"feed":"a","client":"b","labels":{"x":"}"}}`, false},
	{`{"feed":"a","client":"b","labels":{"x":{"y":"z"}}}`, false},
	{`{"feed":"a","client":"b","labels":{"client":"z"}}`, false},
}

func TestPlainJSON(t *testing.T) {
	b := NewBatch()
	for _, tt := range plainTexts {
		for range 2 { // labels are remembered the second time
			if _, ok := b.plain(tt.text); ok != tt.plain {
				t.Errorf("%s: plain is %v, want %v", tt.text, ok, tt.plain)
			}
		}
		checkPlain(t, b, tt.text)
	}
}

// checkPlain holds what plain reads against what encoding/json does.
func checkPlain(t *testing.T, b *Batch, text string) {
	t.Helper()
	got, ok := b.plain(text)
	if !ok {
		return
	}
	if want, err := parseHeartbeat(bytes.TrimSpace([]byte(text))); err != nil || got != want {
		t.Errorf("%q is %+v, by encoding/json %+v, %v", text, got, want, err)
	}
}

func FuzzPlainJSON(f *testing.F) {
	for _, tt := range plainTexts {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		b := NewBatch()
		for range 2 {
			checkPlain(t, b, text)
		}
	})
}

func TestAPlainLineOfJSONAllocatesNothing(t *testing.T) {
	text := bytes.Repeat([]byte(`{"feed":"a","client":"b","event_time":"2025-11-24T00:00:00Z","labels":{"cluster":"fsn1"}}`+"\n"), 100)
	b := NewBatch()
	run := func() {
		b.Reset(received)
		if err := b.ParseNDJSON(text); err != nil || b.Refused > 0 {
			t.Fatal(err, b.Errors)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 1 { // the copy of the text
		t.Errorf("%v allocations for 100 lines", n)
	}
}
