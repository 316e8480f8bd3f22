package slack

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
)

// signatureAgeMax is how far a signature's time may be from ours.
const signatureAgeMax = 5 * time.Minute

const (
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
)

var (
	errSignature = errors.New("the signature is not Slack's, or older than five minutes; is the signing secret that of the app, and is this machine's clock right?")
	errReplayed  = errors.New("this was taken before")
	errTooMany   = errors.New("too many requests at once")
)

// signedBy is the app that a request is for, the one under whose secret it is signed,
// and a name of the request by which it is known again.
func (d *Desk) signedBy(header http.Header, body []byte) (*app, string, error) {
	var by *app
	for _, a := range d.apps {
		if a.config.SigningSecret.IsZero() {
			continue
		}
		verifier, err := slackgo.NewSecretsVerifier(header, a.config.SigningSecret.Reveal())
		if err != nil {
			return nil, "", errSignature
		}
		if _, err := verifier.Write(body); err != nil {
			return nil, "", errSignature
		}
		if verifier.Ensure() == nil {
			by = a
		}
	}
	if by == nil {
		return nil, "", errSignature
	}
	seconds, err := strconv.ParseInt(header.Get(timestampHeader), 10, 64)
	if err != nil {
		return nil, "", errSignature
	}
	// Hex digits may be of either case.
	until := time.Unix(seconds, 0).Add(signatureAgeMax + time.Second)
	name := strings.ToLower(header.Get(signatureHeader))
	return by, name, d.seen.add(name, d.config.Now(), until)
}

// replays remembers what was taken for as long as it could be sent once more.
type replays struct {
	mu    sync.Mutex
	until map[string]time.Time
	swept time.Time
}

// replaysMax is what people and Slack can do in ten minutes, many times over.
const replaysMax = 50_000

func newReplays() *replays { return &replays{until: map[string]time.Time{}} }

// add is nil for a name that is new. A full memory takes nothing: forgetting would
// let a replay in.
func (r *replays) add(name string, now, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.swept) > time.Minute || now.Before(r.swept) || len(r.until) >= replaysMax {
		for n, t := range r.until {
			if now.After(t) {
				delete(r.until, n)
			}
		}
		r.swept = now
	}
	if _, ok := r.until[name]; ok {
		return errReplayed
	}
	if len(r.until) >= replaysMax {
		return errTooMany
	}
	r.until[name] = until
	return nil
}

// forget is for what could not be taken: it may come again.
func (r *replays) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, name)
}
