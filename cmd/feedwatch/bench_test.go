package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	benchSeries      = 1_000_000
	benchBatch       = 1_000
	benchConnections = 4
	benchToken       = "fwsecret-of-the-benchmark"
)

const benchConfig = `install: bench
listen: %s
read: open
rules: rules
store: {path: feedwatch.db}
tokens:
  - {name: feeder, token_env: FW_PUSH, feeds: ["*"], roles: [push, admin]}
notifiers:
  console:
    - {name: none}
metrics:
  clients: {enabled: true, limit: 1000000}
`

const benchRules = `feeds:
  - name: load-test
    retention: 7d
    escalation: nobody
    rules:
      - {name: whole-feed, per: feed, stale_after: 6d}
      - {name: everyone, stale_after: 1h}
escalations:
  - name: nobody
    steps:
      - notify: [console/none]
`

// bare is the least that takes a heartbeat over net/http: `bare ADDRESS` without any
// limit; with `promised` after it, with what feedwatch promises: time limits, an answer
// in JSON, and not before it had the state to itself.
func bare() {
	var state sync.Mutex
	server := &http.Server{Addr: os.Args[1]}
	promised := len(os.Args) > 2
	if promised {
		server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout = 10*time.Second, time.Minute, 2*time.Minute, 2*time.Minute
	}
	answer := []byte("{\n  \"accepted\": 1\n}\n")
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		if !promised {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		state.Lock()
		state.Unlock() //nolint:staticcheck // it is what a turn costs at least
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(answer)
	})
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}

// benchServer is a process that takes heartbeats.
type benchServer struct {
	b       *testing.B
	dir     string
	address string
	args    []string
	process *exec.Cmd
}

func startBare(b *testing.B, promised ...string) *benchServer {
	s := &benchServer{b: b, address: freeAddress(b)}
	s.args = append([]string{"bare", s.address}, promised...)
	s.start("/")
	return s
}

func startFeedwatch(b *testing.B) *benchServer {
	s := newFeedwatch(b, benchConfig, benchRules)
	s.start("/-/ready")
	return s
}

func newFeedwatch(b *testing.B, config, rules string) *benchServer {
	s := &benchServer{b: b, dir: b.TempDir(), address: freeAddress(b)}
	s.args = []string{"feedwatch", "serve", "--log-level", "error", "--config", filepath.Join(s.dir, "feedwatch.yaml")}
	if err := os.Mkdir(filepath.Join(s.dir, "rules"), 0o700); err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"feedwatch.yaml": fmt.Sprintf(config, s.address), "rules/a.yaml": rules} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func freeAddress(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the process and waits until path is answered well.
func (s *benchServer) start(path string) {
	s.process = exec.Command(s.args[0], s.args[1:]...)
	s.process.Env = append(os.Environ(), "FW_PUSH="+benchToken)
	if err := s.process.Start(); err != nil {
		s.b.Fatal(err)
	}
	s.b.Cleanup(s.kill)
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; time.Sleep(time.Millisecond) {
		resp, err := http.Get("http://" + s.address + path)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode < http.StatusMultipleChoices {
			return
		}
	}
	s.b.Fatalf("%v does not answer %s", s.args, path)
}

func (s *benchServer) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// cpu is the time that the process has spent so far, as getrusage counts it.
func (s *benchServer) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		s.b.Fatal(err)
	}
	words := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	user, errUser := strconv.Atoi(string(words[11]))
	system, errSystem := strconv.Atoi(string(words[12]))
	if errUser != nil || errSystem != nil {
		s.b.Fatalf("/proc says %s", text)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// requests are whole ones, as they go over the wire.
func requests(kind, line string, series, batch int) [][]byte {
	var all [][]byte
	for from := 0; from < series; from += batch {
		var body []byte
		for i := from; i < from+batch; i++ {
			body = fmt.Appendf(body, line, i)
		}
		all = append(all, postOf(kind, body))
	}
	return all
}

func postOf(kind string, body []byte) []byte {
	return fmt.Appendf(nil, "POST /api/v1/heartbeats HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", benchToken, kind, len(body), body)
}

// send posts all of them over benchConnections, from one answer to the next request.
func (s *benchServer) send(all [][]byte) { s.sendEach(slices.Values(all)) }

func (s *benchServer) sendEach(all iter.Seq[[]byte]) {
	next := make(chan []byte)
	go func() {
		defer close(next)
		for request := range all {
			next <- request
		}
	}()
	s.sendFrom(next)
}

// sendFrom posts what comes until that ends.
func (s *benchServer) sendFrom(next <-chan []byte) {
	var senders sync.WaitGroup
	for range benchConnections {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			s.b.Fatal(err)
		}
		defer conn.Close()
		senders.Go(func() {
			answers := bufio.NewReader(conn)
			for request := range next {
				if err := post(conn, answers, request); err != nil {
					s.b.Error(err)
				}
			}
		})
	}
	senders.Wait()
}

func post(conn io.Writer, answers *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s: %s, %w", resp.Status, text, err)
	}
	return nil
}

const (
	textLine   = "load-test client-%07d -\n"
	ndjsonLine = `{"feed":"load-test","client":"client-%07d","labels":{"cluster":"fsn1","tier":"pro","region":"eu"}}` + "\n"
)

// BenchmarkIngest is the server's CPU time for a heartbeat, and how many times that
// of bare handlers it is, which read the same requests in the same run.
func BenchmarkIngest(b *testing.B) {
	text := requests("text/plain", textLine, benchSeries, benchBatch)
	for _, kind := range []struct {
		name  string
		batch int
		all   [][]byte
	}{
		{"text", benchBatch, text},
		{"ndjson", benchBatch, requests("application/x-ndjson", ndjsonLine, benchSeries, benchBatch)},
		{"single", 1, requests("text/plain", textLine, benchSeries/20, 1)},
	} {
		b.Run(kind.name, func(b *testing.B) {
			servers := []*benchServer{startFeedwatch(b), startBare(b), startBare(b, "promised")}
			servers[0].send(text)
			var spent [3]time.Duration
			heartbeats := 0
			for b.Loop() {
				for i, s := range servers {
					spent[i] -= s.cpu()
				}
				for range 3 { // the clock of /proc ticks every 10 ms
					for _, s := range servers {
						s.send(kind.all)
					}
					heartbeats += len(kind.all) * kind.batch
				}
				for i, s := range servers {
					spent[i] += s.cpu()
				}
			}
			b.ReportMetric(float64(spent[0].Nanoseconds())/float64(heartbeats), "cpu-ns/heartbeat")
			b.ReportMetric(float64(spent[0])/float64(max(spent[1], 10*time.Millisecond)), "times-bare")
			b.ReportMetric(float64(spent[0])/float64(max(spent[2], 10*time.Millisecond)), "times-promised")
		})
	}
}
