package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzip"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// scratch is what a request of heartbeats needs, kept from one to the next.
type scratch struct {
	body  body
	small []byte
	unzip gzip.Reader
	batch *feed.Batch
}

func newScratch() *scratch {
	return &scratch{small: make([]byte, 0, bodySmallMax), batch: feed.NewBatch()}
}

// ingested answers a request of heartbeats.
type ingested struct {
	Accepted  int         `json:"accepted"`
	Refused   int         `json:"refused,omitempty"`
	Errors    []itemError `json:"errors,omitempty"`
	ErrorsAll int         `json:"errors_total,omitempty"` // where more than are listed
	Error     string      `json:"error,omitempty"`        // where none was accepted
}

type itemError struct {
	Index int    `json:"index"`
	Line  int    `json:"line,omitempty"`
	Error string `json:"error"`
}

// heartbeats is POST /api/v1/heartbeats.
func (a *API) heartbeats(w http.ResponseWriter, r *http.Request, who *Token) {
	code, said, err := a.ingest(w, r, who)
	var no *refusal
	switch {
	case errors.As(err, &no):
		refuse(w, no.code, no.text)
	case err != nil:
		a.refuseBody(w, err)
	case said.whole():
		w.Header()["Content-Type"] = jsonText // nobody keeps the answer to a POST
		w.WriteHeader(code)
		_, _ = w.Write(said.text())
	default:
		answer(w, code, said)
	}
}

// text is the answer as answer writes it, where whole.
func (in *ingested) text() []byte {
	text := append(make([]byte, 0, 40), "{\n  \"accepted\": "...)
	return append(strconv.AppendInt(text, int64(in.Accepted), 10), "\n}\n"...)
}

// whole says that every heartbeat was taken as it is.
func (in *ingested) whole() bool {
	return in.Refused == 0 && in.Errors == nil && in.Error == ""
}

// ingest reads a request and hands it to the engine. What it needed for that is
// free again when it returns: the sender may be slow to take the answer.
func (a *API) ingest(w http.ResponseWriter, r *http.Request, who *Token) (code int, said ingested, err error) {
	received := feed.At(a.now())
	s, again := a.scratch.Get().(*scratch), true
	defer func() {
		s.body.release()
		if again {
			a.scratch.Put(s)
		}
	}()
	if err := a.readBody(w, r, s); err != nil {
		return 0, said, err
	}
	batch, giveBack, err := s.body.batch(r.Context(), s.batch)
	if err != nil {
		return 0, said, err
	}
	defer func() { giveBack(again) }()
	batch.Reset(received)
	err = parseBody(r.Header.Get("Content-Type"), s.body.data, batch)
	s.body.release() // what comes now may wait for the engine
	if err != nil {
		return 0, said, err
	}
	unreadable := batch.Refused
	if !who.reachesAll() {
		batch.Keep(func(name string) error {
			if who.reaches(name) {
				return nil
			}
			return outOfReach(who, name)
		})
	}
	a.metrics.items(batch, unreadable)
	again = false // until it has answered, the engine may hold it
	if err := a.submit(r.Context(), who, batch); err != nil {
		return 0, said, &refusal{http.StatusServiceUnavailable, "the heartbeats were not taken: " + err.Error() + "; send them again"}
	}
	again = true
	code, said = outcome(batch)
	return code, said, nil
}

// submit hands the batch over and notes in it what was refused.
func (a *API) submit(ctx context.Context, who *Token, b *feed.Batch) error {
	if len(b.Heartbeats) == 0 {
		return nil
	}
	refused, err := a.cfg.Ingest.Submit(ctx, feed.Report{Source: feed.Push, Heartbeats: b.Heartbeats, Quota: who.quota})
	if err != nil {
		return err
	}
	texts := map[feed.Refusal]error{} // one for all that are refused alike
	for i, why := range refused {
		if why == feed.Accepted {
			continue
		}
		text := texts[why]
		if text == nil {
			text = refusalText(who, why)
			texts[why] = text
		}
		if why == feed.FutureEvent {
			b.Object(i, text)
		} else {
			b.Refuse(i, text)
		}
	}
	return nil
}

// refusalText says what a refusal of the machine means for the sender.
func refusalText(who *Token, why feed.Refusal) error {
	switch why {
	case feed.FutureArrival:
		return fmt.Errorf("time is more than %s ahead of this server's clock: not taken; check the sender's clock", feed.ClockSkewMax)
	case feed.FutureEvent:
		return fmt.Errorf("event_time is more than %s ahead of this server's clock: the arrival was taken, event_time was not", feed.ClockSkewMax)
	case feed.TooManySeries:
		return errors.New("feedwatch watches as many clients as series_max in its configuration allows: this new one is not taken, those that are known go on; is the client's name one that changes?")
	case feed.OverQuota:
		return &refusal{http.StatusForbidden, fmt.Sprintf("the feeds of token %q have %d clients or more, as many as its series_max in the configuration allows: this new one is not taken, those that are known go on; is the client's name one that changes?",
			who.name, who.quota.SeriesMax)}
	case feed.TooManyFeeds:
		return errors.New("feedwatch knows as many feeds as it may: not taken; is the feed's name one that changes?")
	default:
		return fmt.Errorf("not taken: %s", why)
	}
}

func outcome(b *feed.Batch) (int, ingested) {
	body := ingested{Accepted: b.Items() - b.Refused, Refused: b.Refused}
	for _, e := range b.Errors {
		body.Errors = append(body.Errors, itemError{e.Index, e.Line, e.Err.Error()})
	}
	if b.ErrorsAll > len(b.Errors) {
		body.ErrorsAll = b.ErrorsAll
	}
	switch {
	case b.Items() == 0:
		return http.StatusBadRequest, ingested{Error: "the body has no heartbeat"}
	case body.Accepted > 0:
		return http.StatusAccepted, body
	}
	var no *refusal
	if errors.As(b.Errors[0].Err, &no) { // all of it is more than the token may
		body.Error = no.text
		return no.code, body
	}
	body.Error = "no heartbeat was taken: " + b.Errors[0].Err.Error()
	return http.StatusBadRequest, body
}

// parseBody reads body into b by its type; where the type says nothing (none,
// or what curl and wget send unasked) by its first byte.
func parseBody(contentType string, body []byte, b *feed.Batch) error {
	kind := contentType
	if kind != "" && kind != "text/plain" && kind != "application/json" { // those need no parsing
		var err error
		if kind, _, err = mime.ParseMediaType(contentType); err != nil {
			return fmt.Errorf("%w: %q is none", errMediaType, contentType)
		}
	}
	switch kind {
	case "application/json", "text/json":
		return parseJSON(body, b)
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return b.ParseNDJSON(body)
	case "text/plain":
		return b.ParseLines(body)
	case "", "application/x-www-form-urlencoded", "application/octet-stream":
		if start := bytes.TrimLeft(body, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
			return parseJSON(body, b)
		}
		return b.ParseLines(body)
	default:
		return fmt.Errorf("%w: %q is not known", errMediaType, kind)
	}
}

var errMediaType = errors.New("send application/json, application/x-ndjson or text/plain as Content-Type")

// parseJSON reads one document, or lines where the first line is one by itself:
// many senders call NDJSON application/json.
func parseJSON(body []byte, b *feed.Batch) error {
	body = bytes.TrimLeft(body, " \t\r\n")
	first, rest, _ := bytes.Cut(body, []byte{'\n'})
	if len(body) > 0 && body[0] == '{' && len(rest) > 0 && json.Valid(first) {
		return b.ParseNDJSON(body)
	}
	return b.ParseJSON(body)
}

func (a *API) refuseBody(w http.ResponseWriter, err error) {
	code, why := http.StatusBadRequest, whyMalformed
	switch {
	case errors.Is(err, errBodyLarge), errors.Is(err, errPlainLarge):
		code, why = http.StatusRequestEntityTooLarge, whyTooLarge
	case errors.Is(err, feed.ErrTooManyHeartbeats):
		code, why = http.StatusRequestEntityTooLarge, whyTooMany
	case errors.Is(err, errMediaType), errors.Is(err, errCoding):
		code, why = http.StatusUnsupportedMediaType, whyMediaType
	case errors.Is(err, errBusy):
		code, why = http.StatusServiceUnavailable, whyBusy
		w.Header().Set("Retry-After", strconv.Itoa(int(busyWithin.Seconds())))
	}
	a.metrics.requestsRefused.WithLabelValues(why).Inc()
	refuse(w, code, err.Error())
}
