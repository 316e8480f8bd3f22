package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
)

const (
	// hookBytesMax is read of a webhook, and hookBytesKept looked into.
	hookBytesMax  = 16 << 20
	hookBytesKept = 1 << 20
	// hookWithin is how long a webhook may wait for the keeper: PagerDuty gives up
	// after five seconds.
	hookWithin = 3 * time.Second
	// laterMax is how many decisions wait for a keeper that cannot be asked now.
	laterMax   = 1000
	laterEvery = 2 * time.Second
	// seenMax is how many webhooks are known again.
	seenMax = 10_000
)

// What became of a webhook, as metrics call it.
const (
	hookTaken      = "taken"
	hookIgnored    = "ignored"
	hookReplayed   = "replayed"
	hookForged     = "bad_signature"
	hookUnreadable = "unreadable"
	hookLater      = "later"
)

// Receiver takes PagerDuty's webhooks (Webhooks v3). Whatever is signed by one of
// the keys is answered 2xx: a 4xx loses the event, and three in a row disable the
// webhook.
type Receiver struct {
	desk    *Desk
	secrets []notifiers.Secret

	mu    sync.Mutex
	seen  map[string]bool // ids of events that were taken
	ring  []string
	next  int
	later []decision
}

// NewReceiver checks the signing secrets.
func NewReceiver(secrets []notifiers.Secret, desk *Desk) (*Receiver, error) {
	if err := checkSecrets(secrets); err != nil {
		return nil, fmt.Errorf("pagerduty webhook: %w", err)
	}
	return &Receiver{desk: desk, secrets: secrets, seen: map[string]bool{}}, nil
}

// hook is the part of a webhook that counts.
type hook struct {
	Event struct {
		ID         string    `json:"id"`
		Type       string    `json:"event_type"`
		OccurredAt time.Time `json:"occurred_at"`
		Agent      actor     `json:"agent"`
		Data       struct {
			IncidentKey   string `json:"incident_key"`
			ResolveReason struct {
				Type string `json:"type"`
			} `json:"resolve_reason"`
		} `json:"data"`
	} `json:"event"`
}

// ServeHTTP answers one webhook.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	signed := newSigner(r.secrets)
	var kept bytes.Buffer
	body := http.MaxBytesReader(w, req.Body, hookBytesMax)
	_, err := io.Copy(signed, io.TeeReader(body, &bounded{&kept, hookBytesKept}))
	code, result := http.StatusAccepted, hookUnreadable
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		code = http.StatusRequestEntityTooLarge
	case err != nil:
		code = http.StatusServiceUnavailable // cut on the way: PagerDuty sends it again
	case !signed.accepts(req.Header.Get(signatureHeader)):
		code, result = http.StatusUnauthorized, hookForged
	default:
		result = r.take(req.Context(), kept.Bytes())
	}
	r.desk.Metrics.webhooks.WithLabelValues(result).Inc()
	if result == hookForged || result == hookUnreadable {
		r.desk.Log.Warn("a PagerDuty webhook was not taken", slog.String("why", result))
	}
	w.WriteHeader(code)
}

// take is what becomes of an authentic webhook.
func (r *Receiver) take(ctx context.Context, body []byte) (result string) {
	var h hook
	if json.Unmarshal(body, &h) != nil || h.Event.ID == "" {
		return hookUnreadable
	}
	e := &h.Event
	if e.Type != "incident.acknowledged" && e.Type != "incident.resolved" || e.Data.ResolveReason.Type == mergedReason {
		return hookIgnored
	}
	if e.OccurredAt.IsZero() || !r.first(e.ID) {
		return hookReplayed
	}
	is := decision{key: e.Data.IncidentKey, resolved: e.Type == "incident.resolved", who: e.Agent, at: e.OccurredAt}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookWithin)
	defer cancel()
	became, err := r.desk.take(ctx, is)
	switch {
	case err != nil:
		r.desk.Log.Error("a decision made in PagerDuty is tried again", slog.Any("error", err))
		r.keep(is)
		return hookLater
	case became == tookAck || became == tookResolve:
		return hookTaken
	}
	return hookIgnored
}

// first says that no event with this id came before.
func (r *Receiver) first(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return false
	}
	r.seen[id] = true
	if len(r.ring) < seenMax {
		r.ring = append(r.ring, id)
		return true
	}
	delete(r.seen, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % seenMax
	return true
}

func (r *Receiver) keep(is decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.later) < laterMax {
		r.later = append(r.later, is)
	}
}

// Run passes on, until ctx ends, what could not be when it came.
func (r *Receiver) Run(ctx context.Context) error {
	ticker := time.NewTicker(laterEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		r.mu.Lock()
		again := r.later
		r.later = nil
		r.mu.Unlock()
		for _, is := range again {
			within, cancel := context.WithTimeout(ctx, hookWithin)
			_, err := r.desk.take(within, is)
			cancel()
			if err != nil {
				r.keep(is)
			}
		}
	}
}

// bounded keeps the first bytes of what is written to it.
type bounded struct {
	to   *bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.to.Write(p[:n])
	return len(p), nil
}
