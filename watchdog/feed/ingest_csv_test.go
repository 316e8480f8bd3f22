package feed

import (
	"bytes"
	"strings"
	"testing"
)

// readCSV reads a file as a recording is read: there is no now.
func readCSV(t *testing.T, text string) string {
	t.Helper()
	header, rows, _ := strings.Cut(text, "\n")
	c, err := ParseColumns([]byte(header))
	if err != nil {
		t.Fatal(err)
	}
	b := NewBatch()
	b.Reset(0)
	return read(b, b.ParseCSV(c, []byte(rows)))
}

func TestParseCSV(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"both forms of times": {
			"feed,client,time,event_time\np,acme,2025-11-24T00:00:00Z,1763942399000\np,zen,1763942400250,\n",
			"0:1 p/acme at 2025-11-24T00:00:00Z made 2025-11-23T23:59:59Z\n1:2 p/zen at 2025-11-24T00:00:00.25Z\n",
		},
		"labels, count, columns in any order": {
			"count,tier,time,client,feed,cluster\r\n7,pro,1763942400000,acme,p,fsn1\r\n,,1763942400000,zen,p,fsn1\r\n",
			"0:1 p/acme at 2025-11-24T00:00:00Z x7 {cluster=fsn1, tier=pro}\n1:2 p/zen at 2025-11-24T00:00:00Z {cluster=fsn1}\n",
		},
		"quotes": {
			"feed,client,time\np,\"acme, \"\"inc\"\"\",1763942400000\n",
			"0:1 p/acme, \"inc\" at 2025-11-24T00:00:00Z\n",
		},
		"no time is left to whoever reads it": {"feed,client,time\np,a,\np,a,-\n", "0:1 p/a at never\n1:2 p/a at never\n"},
		"the good ones beside the bad": {
			"feed,client,time,count\np,a,1763942400000\n\np,b,yesterday,1\np,c,1763942400000,x\n-,d,1763942400000,1\np,\"e,1763942400000,1\np,f,1763942400000,0\n",
			"5:7 p/f at 2025-11-24T00:00:00Z x0\n" +
				"0:1 error: " + errCells.Error() + "\n" +
				"1:3 error: time: \"yesterday\" is not RFC 3339, such as 2025-11-24T00:05:00Z\n" +
				"2:4 error: " + errCellCount.Error() + "\n" +
				"3:5 error: bad name: feed \"-\": letters, digits, '.', '_' and '-' are allowed, and a letter or digit first\n" +
				"4:6 error: " + errQuoted.Error() + "\n",
		},
		"a line too long": {"feed,client,time\np," + strings.Repeat("x", ItemBytesMax) + ",1\n", "0:1 error: the heartbeat is longer than 16384 bytes\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := readCSV(t, tt.text); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestParseColumnsRefuses(t *testing.T) {
	for header, want := range map[string]string{
		"feed,client":               `the header has no column "time"`,
		"feed,client,time,time":     `the column "time" twice`,
		"feed,client,time,my label": `the column "my label" is taken for a label`,
		"feed,\"client,time":        "the quotes do not fit CSV",
		"feed,client,time,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q": "17 columns are labels, 16 are allowed",
	} {
		if _, err := ParseColumns([]byte(header)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", header, err, want)
		}
	}
}

func TestIsHeader(t *testing.T) {
	for line, want := range map[string]bool{
		"time,feed,client":                true,
		`"feed","client","time"`:          true,
		"profiles acme,inc 1763942400000": false,
		"profiles acme 1763942400000":     false,
	} {
		if IsHeader([]byte(line)) != want {
			t.Errorf("IsHeader(%s) is %v", line, !want)
		}
	}
}

func TestACSVLineOfAKnownSeriesAllocatesNothing(t *testing.T) {
	c, err := ParseColumns([]byte("feed,client,time,tier"))
	if err != nil {
		t.Fatal(err)
	}
	b, lines := NewBatch(), bytes.Repeat([]byte("p,acme,1763942400000,pro\n"), 100)
	if n := testing.AllocsPerRun(100, func() {
		b.Reset(0)
		if err := b.ParseCSV(c, lines); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParseCSV: whatever comes, items are counted, and what was read is within the limits.
func FuzzParseCSV(f *testing.F) {
	f.Add("feed,client,time,tier\np,acme,1763942400000,pro\n")
	f.Add("time,client,feed,event_time,count\n2025-11-24T00:00:00Z,\"a,b\",p,,0\n")
	f.Add("feed,client,time\n\"\"\"\n,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		header, rows, _ := strings.Cut(text, "\n")
		c, err := ParseColumns([]byte(header))
		if err != nil {
			return
		}
		b := NewBatch()
		b.Reset(0)
		if err := b.ParseCSV(c, []byte(rows)); err != nil {
			return
		}
		if b.Items() != len(b.Heartbeats)+b.Refused {
			t.Fatalf("%d items, %d heartbeats, %d refused", b.Items(), len(b.Heartbeats), b.Refused)
		}
		for _, h := range b.Heartbeats {
			if _, err := ParseKey(h.Key.Feed(), h.Key.Client()); err != nil {
				t.Fatal(err)
			}
			if _, err := ParseLabels(h.Labels.Map()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
