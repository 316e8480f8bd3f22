package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// load is what `feedwatch load` puts on a server.
type load struct {
	feed        string
	series      int
	rate        float64 // heartbeats a second; 0: as many as go
	batch       int     // heartbeats a request
	connections int
	format      string
	duration    time.Duration
}

// Bounds on a load: more helps nobody, and a slip of the pen is likelier.
const (
	loadSeriesMax      = 20_000_000
	loadBatchMax       = 50_000
	loadConnectionsMax = 1_000
)

// newLoadCommand puts a load on a server of the user's own.
func newLoadCommand() *cobra.Command {
	l := load{}
	server := serverFlags{}
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Send heartbeats of many clients to a feedwatch of your own, to see what it takes",
		Long: `Sends heartbeats of --series clients, one after the other and round and round, to a
running feedwatch, and says what was taken and how long the answers took. The feed
is --feed; no rule need name it. The clients stay known there: use a server that
nobody is paged by.

  feedwatch load --series 1000000 --rate 66667   # a million clients, each every 15 s

Text lines carry no labels; --format ndjson sends three of them with each heartbeat.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.check(); err != nil {
				return err
			}
			client, err := server.client()
			if err != nil {
				return err
			}
			client.http.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: l.connections}
			return l.run(cmd.Context(), client, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&l.feed, "feed", "load-test", "the feed that the heartbeats are of")
	cmd.Flags().IntVar(&l.series, "series", 10_000, "how many clients")
	cmd.Flags().Float64Var(&l.rate, "rate", 0, "heartbeats a second (default: as many as the server takes)")
	cmd.Flags().IntVar(&l.batch, "batch", 1_000, "heartbeats in one request")
	cmd.Flags().IntVar(&l.connections, "connections", 4, "requests at the same time")
	cmd.Flags().StringVar(&l.format, "format", "text", "text or ndjson")
	cmd.Flags().DurationVar(&l.duration, "duration", 30*time.Second, "for how long; 0: until each client was sent once")
	server.add(cmd.Flags())
	return cmd
}

func (l *load) check() error {
	for _, b := range []struct {
		flag       string
		value, max int
	}{{"--series", l.series, loadSeriesMax}, {"--batch", l.batch, loadBatchMax}, {"--connections", l.connections, loadConnectionsMax}} {
		if b.value < 1 || b.value > b.max {
			return fmt.Errorf("%s %d: write a number from 1 to %d", b.flag, b.value, b.max)
		}
	}
	switch {
	case l.rate < 0:
		return fmt.Errorf("--rate %v: write how many heartbeats a second, or 0 for as many as go", l.rate)
	case l.format != "text" && l.format != "ndjson":
		return fmt.Errorf("--format %q: write text or ndjson", l.format)
	case l.duration < 0:
		return fmt.Errorf("--duration %s: write for how long, such as 30s", l.duration)
	}
	return nil
}

// loadTally is what came of a load so far.
type loadTally struct {
	taken, refused atomic.Int64
	mu             sync.Mutex
	answers        []time.Duration // how long each answer took
	problem        string          // the last refusal
}

// run sends until the time is over, and says each second how it goes. The first
// answer that is neither yes nor busy ends it.
func (l *load) run(ctx context.Context, c *client, out, progress io.Writer) error {
	begun := time.Now()
	if l.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.duration)
		defer cancel()
	}
	tally := &loadTally{}
	bodies := make(chan []byte)
	senders, ctx := errgroup.WithContext(ctx)
	for range l.connections {
		senders.Go(func() error {
			for body := range bodies {
				if err := l.send(ctx, c, body, tally); err != nil {
					return err
				}
			}
			return nil
		})
	}
	l.write(ctx, bodies, func() { tally.progress(progress, begun) })
	close(bodies)
	if err := senders.Wait(); err != nil {
		return err
	}
	return tally.summary(out, time.Since(begun))
}

// write hands out one body after the other, at the rate that was asked for, until each
// client was sent once or ctx ends.
func (l *load) write(ctx context.Context, bodies chan<- []byte, tell func()) {
	begun, told, sent := time.Now(), time.Now(), 0
	for l.duration > 0 || sent < l.series {
		if l.rate > 0 {
			due := begun.Add(time.Duration(float64(sent) / l.rate * float64(time.Second)))
			select {
			case <-time.After(time.Until(due)):
			case <-ctx.Done():
				return
			}
		}
		n := min(l.batch, l.series-sent%l.series)
		select {
		case bodies <- l.body(sent%l.series, n):
			sent += n
		case <-ctx.Done():
			return
		}
		if time.Since(told) >= time.Second {
			told = time.Now()
			tell()
		}
	}
}

// body is a request of n clients from the given one on.
func (l *load) body(from, n int) []byte {
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	body := make([]byte, 0, n*48)
	for i := from; i < from+n; i++ {
		if l.format == "text" {
			body = fmt.Appendf(body, "%s client-%07d %s\n", l.feed, i, now)
			continue
		}
		body = fmt.Appendf(body, `{"feed":%q,"client":"client-%07d","labels":{"cluster":"c%d","tier":"t%d","region":"r%d"}}`+"\n", l.feed, i, i%20, i%3, i%5)
	}
	return body
}

// send posts one body; a server that is busy is asked again.
func (l *load) send(ctx context.Context, c *client, body []byte, tally *loadTally) error {
	kind := "text/plain"
	if l.format == "ndjson" {
		kind = "application/x-ndjson"
	}
	begun := time.Now()
	var said struct {
		Accepted, Refused int
		Error             string
		Errors            []struct{ Error string }
	}
	err := c.send(ctx, "/api/v1/heartbeats", kind, body, &said)
	var refused *answerError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &refused) && refused.code == http.StatusServiceUnavailable:
		tally.refuse(int64(l.batch), refused.text)
		select {
		case <-time.After(time.Duration(100+rand.IntN(100)) * time.Millisecond):
		case <-ctx.Done():
		}
		return nil
	default:
		return err
	}
	tally.took(time.Since(begun))
	tally.taken.Add(int64(said.Accepted))
	if said.Refused > 0 {
		why := said.Error
		if len(said.Errors) > 0 {
			why = said.Errors[0].Error
		}
		tally.refuse(int64(said.Refused), why)
	}
	return nil
}

// loadAnswersMax bounds the answers that the percentiles are of: the first ones,
// of a load longer than that.
const loadAnswersMax = 1_000_000

func (t *loadTally) took(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.answers) < loadAnswersMax {
		t.answers = append(t.answers, d)
	}
}

func (t *loadTally) refuse(n int64, why string) {
	t.refused.Add(n)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problem = why
}

func (t *loadTally) progress(w io.Writer, begun time.Time) {
	took := time.Since(begun)
	fmt.Fprintf(w, "%4.0f s: %d heartbeats taken, %.0f a second, %d refused\n",
		took.Seconds(), t.taken.Load(), float64(t.taken.Load())/took.Seconds(), t.refused.Load())
}

func (t *loadTally) summary(w io.Writer, took time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.Sort(t.answers)
	at := func(part float64) time.Duration {
		if len(t.answers) == 0 {
			return 0
		}
		return t.answers[int(part*float64(len(t.answers)-1))].Round(10 * time.Microsecond)
	}
	taken, refused := t.taken.Load(), t.refused.Load()
	fmt.Fprintf(w, "%d heartbeats taken in %.1f s, %.0f a second; %d refused\n%d requests answered, half of them within %s, 99 in 100 within %s, all within %s\n",
		taken, took.Seconds(), float64(taken)/took.Seconds(), refused, len(t.answers), at(0.5), at(0.99), at(1))
	switch {
	case taken == 0 && t.problem == "":
		return errors.New("nothing was taken")
	case taken == 0:
		return fmt.Errorf("nothing was taken: %s", t.problem)
	}
	if refused > 0 {
		fmt.Fprintf(w, "the last refusal: %s\n", t.problem)
	}
	return nil
}
