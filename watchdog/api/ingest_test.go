package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/feedwatch/feedwatch/watchdog/bubble"
	"github.com/feedwatch/feedwatch/watchdog/feed"
)

const heartbeatsPath = "/api/v1/heartbeats"

func TestHeartbeatsInEveryFormat(t *testing.T) {
	tests := map[string]struct{ kind, body string }{
		"object":                     {"application/json", `{"feed":"consent","client":"a"}`},
		"object over lines":          {"application/json; charset=utf-8", "{\n \"feed\": \"consent\",\n \"client\": \"a\"\n}\n"},
		"array":                      {"application/json", `[{"feed":"consent","client":"a"}]`},
		"lines called JSON":          {"application/json", "{\"feed\":\"consent\",\"client\":\"a\"}\n{\"feed\":\"consent\",\"client\":\"a\"}\n"},
		"ndjson":                     {"application/x-ndjson", "{\"feed\":\"consent\",\"client\":\"a\"}\n"},
		"text":                       {"text/plain", "consent a -\n"},
		"JSON by its first byte":     {"", ` [{"feed":"consent","client":"a"}]`},
		"JSON as curl sends it":      {"application/x-www-form-urlencoded", `{"feed":"consent","client":"a"}`},
		"text as curl sends it":      {"application/x-www-form-urlencoded", "consent a -"},
		"ndjson whose ends curl ate": {"application/x-www-form-urlencoded", `{"feed":"consent","client":"a"}{"feed":"consent","client":"a"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			w := r.do("POST", heartbeatsPath, pushSecret, tt.body, "Content-Type", tt.kind)
			want(t, w, http.StatusAccepted, `"accepted": `)
			h := r.engine.reports[0][0]
			if h.Key.String() != "consent/a" || h.Arrival != now || h.Count != 1 {
				t.Errorf("took %+v", h)
			}
		})
	}
}

func TestHeartbeatsThatAreWrongAreNamedWhileTheOthersAreTaken(t *testing.T) {
	r := newRig(t)
	r.engine.refuse["ahead"] = feed.FutureArrival
	r.engine.refuse["event-ahead"] = feed.FutureEvent
	body := "consent a -\nwrong\nsegments b -\nconsent ahead -\nconsent event-ahead -\n"
	w := r.do("POST", heartbeatsPath, pushSecret, body, "Content-Type", "text/plain")
	want(t, w, http.StatusAccepted)
	var got ingested
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range got.Errors {
		lines = append(lines, fmt.Sprintf("%d:%d %.40s", e.Index, e.Line, e.Error))
	}
	wantLines := "1:2 a line is `feed client unix_ms [event_un\n" +
		"2:3 token \"feeder\" may not touch feed \"segme\n" +
		"3:4 time is more than 5m0s ahead of this ser\n" +
		"4:5 event_time is more than 5m0s ahead of th"
	if s := strings.Join(lines, "\n"); s != wantLines {
		t.Errorf("errors:\n%s\nwant\n%s", s, wantLines)
	}
	if got.Accepted != 2 || got.Refused != 3 || got.ErrorsAll != 0 {
		t.Errorf("accepted %d, refused %d, errors in all %d", got.Accepted, got.Refused, got.ErrorsAll)
	}
	for why, n := range map[string]float64{whyUnreadable: 1, whyForbidden: 1} {
		if v := testutil.ToFloat64(r.api.metrics.itemsRefused.WithLabelValues(why)); v != n {
			t.Errorf("%s counted %v", why, v)
		}
	}
}

func TestHeartbeatsThatAreRefusedWhole(t *testing.T) {
	tests := map[string]struct {
		secret, kind, coding, body string
		code                       int
		piece                      string
	}{
		"none good":           {pushSecret, "text/plain", "", "x\ny\n", 400, "no heartbeat was taken: a line is"},
		"empty":               {pushSecret, "", "", "", 400, "the body has no heartbeat"},
		"not JSON":            {pushSecret, "application/json", "", `[{"feed"`, 400, "the body is not JSON: it ends too early"},
		"other feeds":         {pushSecret, "text/plain", "", "segments a -", 403, "its feeds are: external-profiles, consent"},
		"no token":            {"", "text/plain", "", "consent a -", 401, "Authorization: Bearer TOKEN"},
		"a wrong token":       {"nobody-has-this-token", "text/plain", "", "consent a -", 401, "unknown token"},
		"a reader's token":    {readSecret, "text/plain", "", "consent a -", 403, "has the role read; this needs push"},
		"another type":        {pushSecret, "application/xml", "", "<a/>", 415, `\"application/xml\" is not known`},
		"a type that is none": {pushSecret, ";;", "", "a b -", 415, "is none"},
		"another coding":      {pushSecret, "text/plain", "br", "x", 415, "use gzip or zstd"},
		"gzip that is none":   {pushSecret, "text/plain", "gzip", "consent a -", 400, "could not be read to its end"},
		"too large":           {pushSecret, "text/plain", "", strings.Repeat("x", BodyBytesMax+1), 413, "larger than 16 MiB"},
		"too many":            {pushSecret, "text/plain", "", strings.Repeat("consent a -\n", feed.BatchHeartbeatsMax+1), 413, "more than 100000 heartbeats"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			w := r.do("POST", heartbeatsPath, tt.secret, tt.body, "Content-Type", tt.kind, "Content-Encoding", tt.coding)
			want(t, w, tt.code, tt.piece)
			if len(r.engine.reports) > 0 {
				t.Errorf("the engine was given %v", r.engine.reports)
			}
			if tt.code == 401 && w.Header().Get("WWW-Authenticate") != `Bearer realm="feedwatch"` {
				t.Errorf("no challenge: %v", w.Header())
			}
			r.wantNothingHeld()
		})
	}
}

func zipped(t *testing.T, body io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := io.Copy(zip, body); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// zeros are lines that say nothing, without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func TestHeartbeatsInGzip(t *testing.T) {
	r := newRig(t)
	body := zipped(t, strings.NewReader(strings.Repeat("consent a -\n", 1000)))
	for range 2 { // the second uses the first one's scratch
		w := r.do("POST", heartbeatsPath, pushSecret, body, "Content-Type", "text/plain", "Content-Encoding", "gzip")
		want(t, w, http.StatusAccepted, `"accepted": 1000`)
	}
	bomb := zipped(t, io.LimitReader(zeros{}, PlainBytesMax+1))
	w := r.do("POST", heartbeatsPath, pushSecret, bomb, "Content-Type", "text/plain", "Content-Encoding", "gzip")
	want(t, w, http.StatusRequestEntityTooLarge, "unpacks to more than 32 MiB")
}

// wantNothingHeld checks that all shares were given back.
func (r *rig) wantNothingHeld() {
	r.t.Helper()
	if !r.api.shares.bytes.TryAcquire(bodiesBytesMax) || len(r.api.shares.lane) > 0 || len(r.api.shares.batches) != batchesLargeMax {
		r.t.Error("a request still holds memory")
		return
	}
	r.api.shares.bytes.Release(bodiesBytesMax)
}

// However many bodies unpack at once, they share a bounded memory: those that get
// none in time are told when to come back, and small ones do not wait for them.
func TestLargeBodiesShareMemory(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		r := newRig(t)
		large := zipped(t, strings.NewReader(strings.Repeat("consent a -\n", bodySmallMax/10)))
		post := func(body string) *httptest.ResponseRecorder {
			return r.do("POST", heartbeatsPath, pushSecret, body, "Content-Type", "text/plain", "Content-Encoding", "gzip")
		}
		small := zipped(t, strings.NewReader("consent a -\n"))
		r.api.shares.bytes.TryAcquire(bodiesBytesMax)
		r.api.shares.lane <- struct{}{}
		begun := time.Now()
		w := post(large)
		want(t, w, http.StatusServiceUnavailable, "send them again in a few seconds")
		if w.Header().Get("Retry-After") != "5" || time.Since(begun) != busyWithin {
			t.Errorf("Retry-After %q after %s", w.Header().Get("Retry-After"), time.Since(begun))
		}
		want(t, post(small), http.StatusAccepted)
		time.AfterFunc(busyWithin/2, func() { <-r.api.shares.lane })
		want(t, post(large), http.StatusAccepted)
		r.api.shares.lane <- struct{}{}
		time.AfterFunc(busyWithin/2, func() { r.api.shares.bytes.Release(bodiesBytesMax) })
		want(t, post(large), http.StatusAccepted)
		<-r.api.shares.lane
		r.wantNothingHeld()

		one, other := <-r.api.shares.batches, <-r.api.shares.batches
		want(t, post(large), http.StatusServiceUnavailable, "send them again")
		want(t, post(small), http.StatusAccepted)
		r.api.shares.batches <- one
		r.api.shares.batches <- other
		want(t, post(large), http.StatusAccepted)
		r.wantNothingHeld()
	})
}

func TestABatchThatTheEngineDidNotTakeIsNotUsedAgain(t *testing.T) {
	r := newRig(t)
	r.engine.submitErr = errors.New("the engine is stopping")
	w := r.do("POST", heartbeatsPath, pushSecret, "consent a -", "Content-Type", "text/plain")
	want(t, w, http.StatusServiceUnavailable, "the heartbeats were not taken: the engine is stopping; send them again")
	if s, _ := r.api.scratch.Get().(*scratch); len(s.batch.Heartbeats) != 0 {
		t.Error("the batch went back to the pool")
	}
	want(t, r.do("POST", heartbeatsPath, pushSecret, strings.Repeat("consent a -\n", bodySmallMax/10), "Content-Type", "text/plain"), http.StatusServiceUnavailable)
	for range batchesLargeMax {
		if b := <-r.api.shares.batches; len(b.Heartbeats) != 0 {
			t.Error("the large batch is used again")
		}
	}
}

func TestPing(t *testing.T) {
	tests := map[string]struct {
		method, path string
		code         int
		piece        string
	}{
		"get":                 {"GET", "/ping/" + pushSecret + "/consent/acme", 200, "ok"},
		"post":                {"POST", "/ping/" + pushSecret + "/consent/acme", 200, "ok"},
		"head":                {"HEAD", "/ping/" + pushSecret + "/consent/acme", 200, ""},
		"a client in escapes": {"GET", "/ping/" + pushSecret + "/consent/caf%C3%A9%20%2F1", 200, "ok"},
		"put":                 {"PUT", "/ping/" + pushSecret + "/consent/acme", 405, "use GET or POST here, not PUT"},
		"a wrong token":       {"GET", "/ping/nobody-has-this-token/consent/acme", 401, "unknown token"},
		"a reader's":          {"GET", "/ping/" + readSecret + "/consent/acme", 403, "this needs push"},
		"another feed":        {"GET", "/ping/" + pushSecret + "/segments/acme", 403, "may not touch feed"},
		"no client":           {"GET", "/ping/" + pushSecret + "/consent", 404, "/ping/TOKEN/FEED/CLIENT"},
		"a bad name":          {"GET", "/ping/" + pushSecret + "/consent/%20", 400, "white space"},
		"refused":             {"GET", "/ping/" + pushSecret + "/consent/one-more", 503, "as many clients as series_max"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.engine.refuse["one-more"] = feed.TooManySeries
			w := r.do(tt.method, tt.path, "", "")
			want(t, w, tt.code, tt.piece)
			if tt.code == 200 && len(r.engine.reports) != 1 {
				t.Errorf("the engine was given %v", r.engine.reports)
			}
			families, err := r.registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			said := w.Body.String() + r.log.String() + fmt.Sprint(families, w.Header())
			if strings.Contains(said, pushSecret) || strings.Contains(said, readSecret) {
				t.Errorf("the token is told:\n%s", said)
			}
		})
	}
}
