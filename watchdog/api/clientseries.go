package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/feedwatch/feedwatch/watchdog"
	"github.com/feedwatch/feedwatch/watchdog/engine"
)

// clientScrapesMax is how many scrapes of /metrics/clients run at once.
const clientScrapesMax = 2

// Names of the metrics of /metrics/clients.
const (
	clientUpdateName  = "feedwatch_client_last_update_timestamp_seconds"
	clientUpdateHelp  = "When the last update of the client was received; clients that never had one are not shown."
	clientOmittedName = "feedwatch_client_series_omitted"
	clientOmittedHelp = "Clients that this answer does not show because it is at its cap."
)

// metricsClients is GET /metrics/clients: a series for each client, up to the
// cap, read in pages so that the engine never stops for it.
func (a *API) metricsClients(w http.ResponseWriter, r *http.Request, who *Token) {
	select {
	case a.clientScrapes <- struct{}{}:
		defer func() { <-a.clientScrapes }()
	default:
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "two scrapes of this are running: scrape it less often")
		return
	}
	s, err := a.status()
	if err != nil {
		refuseError(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	var to io.Writer = w
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		packed, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one there is
		defer func() { _ = packed.Close() }()               // who does not listen any more needs no end
		to = packed
	}
	out := clientSeries{Writer: bufio.NewWriterSize(to, clientSeriesBuffer), left: a.cfg.ClientSeriesMax}
	for i := range s.Feeds {
		if f := &s.Feeds[i]; who.reaches(f.Name) {
			if err := a.writeClients(r.Context(), &out, f); err != nil {
				a.cfg.Log.Warn("metrics of clients could not be written", slog.String("feed", f.Name), slog.Any("error", err))
				panic(http.ErrAbortHandler) // half of the clients would look like the rest gone
			}
		}
	}
	out.family(clientOmittedName, clientOmittedHelp)
	fmt.Fprintf(out, "%s %d\n", clientOmittedName, out.omitted)
	_ = out.Flush()
}

// writeClients writes the series of one feed, page by page.
func (a *API) writeClients(ctx context.Context, out *clientSeries, f *watchdog.FeedView) error {
	shown := 0
	for q := (watchdog.ClientQuery{Feed: f.Name, Any: true, Limit: watchdog.ClientPageMax}); out.left > 0; {
		found, err := a.cfg.Watch.Clients(ctx, q)
		if errors.Is(err, engine.ErrNoFeed) {
			return nil // it has gone since
		}
		if err != nil {
			return err
		}
		n := out.page(f.Name, found.Clients)
		shown += n
		if n < len(found.Clients) || found.Next == 0 {
			break
		}
		q.Cursor = found.Next
	}
	out.omitted += max(0, f.Clients-shown)
	return nil
}

// clientSeriesBuffer is how much text is written at once.
const clientSeriesBuffer = 1 << 16

// clientSeries writes Prometheus' text format. A million series through its client
// library are a gigabyte of garbage.
type clientSeries struct {
	*bufio.Writer
	begun   bool
	line    []byte
	left    int // series that may follow
	omitted int
}

// page writes a series for each client, and says how many clients it came to.
func (s *clientSeries) page(feedName string, clients []watchdog.ClientView) int {
	tail := `",feed="` + labelValue.Replace(strings.ToValidUTF8(feedName, "\uFFFD")) + `"} `
	for i := range clients {
		if s.left == 0 {
			return i
		}
		c := &clients[i]
		if c.Arrival.IsZero() {
			continue
		}
		if !s.begun {
			s.begun = true
			s.family(clientUpdateName, clientUpdateHelp)
		}
		s.left--
		s.line = append(append(s.line[:0], clientUpdateName...), `{client="`...)
		s.line = append(append(s.line, labelValue.Replace(strings.ToValidUTF8(c.Client, "\uFFFD"))...), tail...)
		s.line = strconv.AppendInt(s.line, int64(c.Arrival)/1000, 10)
		if ms := int64(c.Arrival) % 1000; ms > 0 {
			s.line = append(s.line, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		}
		_, _ = s.Write(append(s.line, '\n')) // who does not listen any more misses nothing
	}
	return len(clients)
}

func (s *clientSeries) family(name, help string) {
	fmt.Fprintf(s, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

// labelValue writes what a label's value may hold.
var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// promLog writes what promhttp has to say to the log.
type promLog struct{ log *slog.Logger }

// Println is promhttp's.
func (l promLog) Println(v ...any) {
	l.log.Warn("metrics could not be written", slog.String("error", strings.TrimSpace(fmt.Sprintln(v...))))
}
