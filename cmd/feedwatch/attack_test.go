package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	attackToken     = "fwsecret-of-a-feeder-gone-wrong"
	attackSeriesMax = 1_000
	attackFleet     = 20
)

// TestUnderAttack sends the real binary what a feeder gone wrong, or an enemy, may.
// Each attack is refused in words that say what to do, within a stated memory, while
// the feed that is watched is heard and stays fresh. In the end it falls silent, and
// is paged for.
func TestUnderAttack(t *testing.T) {
	t.Setenv("FW_ATTACK", attackToken)
	w := newWorld(t)
	w.edit("feedwatch.yaml", "tokens:\n", fmt.Sprintf("series_max: %d\ntokens:\n  - {name: gone-wrong, token_env: FW_ATTACK, feeds: [gone-wrong], roles: [push], series_max: %d}\n",
		2*attackSeriesMax, attackSeriesMax))
	w.start()
	w.push(attackFleet, "cluster", "fsn1", "hel1")
	stop := w.keepPushing(attackFleet)
	for _, attack := range []struct {
		name      string
		memoryMax int // MB resident, at most
		run       func(*world, *testing.T)
	}{
		{"a million new clients", 250, (*world).attackWithNames},
		{"bodies of 1 GB", 512, (*world).attackWithBodies},
		{"bombs", 512, (*world).attackWithBombs},
		{"10,000 connections", 512, (*world).attackWithConnections},
	} {
		t.Run(attack.name, func(t *testing.T) {
			w.forgetPeak(t)
			begun := time.Now()
			attack.run(w, t)
			peak := w.peak(t)
			t.Logf("%s; %d MB resident at most", time.Since(begun).Round(time.Millisecond), peak)
			if peak > attack.memoryMax {
				t.Errorf("%d MB resident, want at most %d", peak, attack.memoryMax)
			}
			if code, said := w.get("/-/ready"); code != http.StatusOK {
				t.Errorf("not ready after it: %d %s", code, said)
			}
			if inc := w.incident(); inc.ID != "" {
				t.Errorf("an incident of a feed that is heard: %+v", inc)
			}
		})
	}
	stop()
	deadline := w.pushed.Add(e2eStaleAfter)
	w.eventually("a Slack message", 15*time.Second, func() bool { return len(w.slack.Roots(e2eChannel)) > 0 })
	w.within("Slack message after the deadline", w.slack.Roots(e2eChannel)[0].At.Sub(deadline), 2*time.Second)
	w.stop()
}

// answered is what the server said to a body.
type answered struct {
	code int
	text string
}

// attack posts a body with a token.
func (w *world) attack(token, coding string, body io.Reader) answered {
	req, err := http.NewRequest(http.MethodPost, "http://"+w.address+"/api/v1/heartbeats", body)
	if err != nil {
		return answered{text: err.Error()}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "text/plain")
	if coding != "" {
		req.Header.Set("Content-Encoding", coding)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answered{text: err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{text: err.Error()}
	}
	return answered{resp.StatusCode, string(text)}
}

// all runs n attacks at once.
func all(n int, attack func(i int) answered) []answered {
	got := make([]answered, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { got[i] = attack(i) })
	}
	running.Wait()
	return got
}

// attackWithNames is a feeder whose clients have another name in each heartbeat.
func (w *world) attackWithNames(t *testing.T) {
	const requests, each = 100, 10_000
	for _, sender := range []struct {
		token, says string
		code, known int
	}{
		{attackToken, `token \"gone-wrong\" have 1000 clients or more, as many as its series_max`, http.StatusForbidden, attackSeriesMax},
		{e2ePushToken, "as many clients as series_max in its configuration allows", http.StatusBadRequest, 2 * attackSeriesMax},
	} {
		for i := range requests {
			var body bytes.Buffer
			for n := range each {
				fmt.Fprintf(&body, "gone-wrong new-%d-%d -\n", i, n)
			}
			got := w.attack(sender.token, "", &body)
			code := sender.code
			if i == 0 {
				code = http.StatusAccepted // until it was full
			}
			if got.code != code || !strings.Contains(got.text, sender.says) || len(got.text) > 64<<10 {
				t.Fatalf("request %d: %d %.400s", i, got.code, got.text)
			}
		}
		known := 0
		_, body := w.get("/api/v1/feeds/gone-wrong")
		var feed struct {
			ByVerdict map[string]int `json:"by_verdict"`
		}
		if err := json.Unmarshal(body, &feed); err != nil {
			t.Fatal(err)
		}
		for _, n := range feed.ByVerdict {
			known += n
		}
		if known > sender.known {
			t.Errorf("%d clients are known, want at most %d", known, sender.known)
		}
	}
}

// endless are lines that say nothing.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func (w *world) attackWithBodies(t *testing.T) {
	for _, got := range all(16, func(int) answered { return w.attack(attackToken, "", io.LimitReader(endless{}, 1<<30)) }) {
		// A client that is still sending may not come to read the answer.
		if got.code != http.StatusRequestEntityTooLarge && got.code != http.StatusServiceUnavailable && got.code != 0 || got.code != 0 && !strings.Contains(got.text, "send") {
			t.Errorf("a body without an end: %+v", got)
		}
	}
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/heartbeats HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", attackToken, 1<<30)
	answer := make([]byte, 4<<10)
	n, err := conn.Read(answer)
	if got := string(answer[:n]); err != nil || !strings.HasPrefix(got, "HTTP/1.1 413") {
		t.Errorf("a body that is said to be 1 GB is asked for: %q, %v", got, err)
	}
}

// bomb is 16 MiB of what says nothing, packed, so many times over.
func bomb(t *testing.T, pack io.WriteCloser, packed *bytes.Buffer, times int) []byte {
	t.Helper()
	if _, err := io.CopyN(pack, endless{}, 16<<20); err != nil {
		t.Fatal(err)
	}
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(packed.Bytes(), times)
}

// attackWithBombs sends small bodies that unpack to a gigabyte, and some whose
// heartbeats are as many as they may be.
func (w *world) attackWithBombs(t *testing.T) {
	var inGzip, inZstd, lines bytes.Buffer
	zipper := gzip.NewWriter(&inGzip)
	frames, err := zstd.NewWriter(&inZstd, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	bombs := map[string][]byte{"gzip": bomb(t, zipper, &inGzip, 64), "zstd": bomb(t, frames, &inZstd, 64)}
	zipper.Reset(&lines)
	for i := range 100_000 {
		fmt.Fprintf(zipper, "gone-wrong %0200d -\n", i)
	}
	if err := zipper.Close(); err != nil {
		t.Fatal(err)
	}
	codings := []string{"gzip", "zstd"}
	refused := map[int]int{}
	for _, got := range all(48, func(i int) answered {
		if i%3 == 2 {
			return w.attack(attackToken, "gzip", bytes.NewReader(lines.Bytes()))
		}
		return w.attack(attackToken, codings[i%3], bytes.NewReader(bombs[codings[i%3]]))
	}) {
		refused[got.code]++
		says := map[int]string{
			http.StatusRequestEntityTooLarge: "send the heartbeats in several requests",
			http.StatusServiceUnavailable:    "send them again in a few seconds",
			http.StatusBadRequest:            "series_max", // there is room for no new client by now
		}[got.code]
		if says == "" || !strings.Contains(got.text, says) {
			t.Errorf("a bomb: %d %.300s", got.code, got.text)
		}
	}
	t.Logf("answers by code: %v", refused)
}

// attackWithConnections opens more connections than there are places; half of them
// say nothing, half begin a request.
func (w *world) attackWithConnections(t *testing.T) {
	var crowd []net.Conn
	defer func() {
		for _, c := range crowd {
			_ = c.Close()
		}
	}()
	for i := range 10_000 {
		c, err := net.DialTimeout("tcp", w.address, 30*time.Second)
		if err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
		crowd = append(crowd, c)
		if i%2 == 0 {
			fmt.Fprint(c, "POST /api/v1/heartbeats HTTP/1.1\r\nHost:")
		}
	}
	for range 5 { // strangers come in
		fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
		resp, err := fresh.Get("http://" + w.address + "/-/ready")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("answered %s", resp.Status)
		}
	}
}

// forgetPeak lets the peak of memory begin anew.
func (w *world) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.process.Process.Pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// peak is the most memory that the process had, in MB.
func (w *world) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.process.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes >> 10
}
