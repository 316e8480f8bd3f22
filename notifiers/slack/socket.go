package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/url"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/feedwatch/feedwatch/notifiers"
)

// socket is Socket Mode: a connection of ours over which Slack sends what it would
// post otherwise. slack-go keeps it; it gives up on a token that is refused, so it
// is begun again then.
type socket struct {
	desk *Desk
	app  *app

	mu    sync.Mutex
	since time.Time // it is down; zero while it is up
	why   string
}

const (
	socketBytesMax   = requestBytesMax
	socketAckTimeout = 3 * time.Second
	// socketGrace is for how long it may be down unsaid: Slack itself ends each
	// connection every few hours.
	socketGrace      = time.Minute
	socketRetryAfter = 5 * time.Minute
)

func newSocket(d *Desk, a *app) *socket {
	return &socket{desk: d, app: a, since: d.config.Now(), why: "it has not been connected yet"}
}

func (s *socket) run(ctx context.Context) error {
	for {
		err := s.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.down(err)
		s.desk.config.Log.Error("Socket Mode was refused: buttons in Slack do nothing", slog.String("error", s.reason(err)), slog.Duration("again_in", socketRetryAfter))
		timer := time.NewTimer(socketRetryAfter)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// connect keeps a connection until ctx ends or the token is refused.
func (s *socket) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	api := newClient(s.app.config.Token, s.app.config.APIURL, eachCall{s.app.sender}, slackgo.OptionAppLevelToken(s.app.config.AppToken.Reveal()))
	client := socketmode.New(api, socketmode.OptionReadLimit(socketBytesMax), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case e := <-client.Events:
			s.heard(ctx, client, e)
		}
	}
}

func (s *socket) heard(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	switch e.Type {
	case socketmode.EventTypeHello:
		s.up()
	case socketmode.EventTypeConnectionError:
		if failed, ok := e.Data.(*slackgo.ConnectionErrorEvent); ok {
			s.down(failed.ErrorObj)
		}
	case socketmode.EventTypeIncomingError:
		if failed, ok := e.Data.(*slackgo.IncomingEventError); ok {
			s.down(failed.ErrorObj)
		}
	case socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if e.Request != nil {
			s.take(ctx, client, e.Request.Type, e.Request.EnvelopeID, e.Request.Payload)
		}
	case socketmode.EventTypeErrorBadMessage: // that slack-go cannot read; we may
		var envelope struct {
			Type    string          `json:"type"`
			ID      string          `json:"envelope_id"`
			Payload json.RawMessage `json:"payload"`
		}
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok && json.Unmarshal(bad.Message, &envelope) == nil {
			s.take(ctx, client, envelope.Type, envelope.ID, envelope.Payload)
		}
	}
}

// take takes an envelope and says so to Slack, in this order: one that is not taken
// is not acknowledged, and the person sees that.
func (s *socket) take(ctx context.Context, client *socketmode.Client, kind, envelope string, payload json.RawMessage) {
	now, name := s.desk.config.Now(), "envelope "+envelope
	switch err := s.desk.seen.add(name, now, now.Add(2*signatureAgeMax)); {
	case errors.Is(err, errReplayed): // it missed our word that it was taken
		s.desk.metrics.request(overSocket, repeated)
	case err != nil:
		s.desk.metrics.request(overSocket, full)
		return
	default:
		result := s.read(kind, payload)
		s.desk.metrics.request(overSocket, result)
		if result != taken {
			s.desk.seen.forget(name)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, socketAckTimeout)
	defer cancel()
	if err := client.AckCtx(ctx, envelope, nil); err != nil && ctx.Err() == nil {
		s.desk.config.Log.Warn("Slack could not be told that a press was taken", slog.String("error", s.reason(err)))
	}
}

// read hands on what an envelope holds, and says what became of it.
func (s *socket) read(kind string, payload json.RawMessage) string {
	if kind == socketmode.RequestTypeSlashCommands {
		var c struct {
			Text        string `json:"text"`
			ResponseURL string `json:"response_url"`
		}
		if err := json.Unmarshal(payload, &c); err != nil {
			return unreadable
		}
		return s.desk.hand(s.desk.typed(s.app, command{unescaped(c.Text), c.ResponseURL}), true)
	}
	p, ok, err := parsePress(payload)
	if err != nil {
		s.desk.config.Log.Warn("something that Slack sent could not be read", slog.Any("error", err))
		return unreadable
	}
	return s.desk.hand(s.desk.pressed(s.app, p), ok)
}

func (s *socket) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.since.IsZero()
}

func (s *socket) up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since, s.why = time.Time{}, ""
}

func (s *socket) down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		s.since = s.desk.config.Now()
	}
	s.why = s.reason(err)
}

// reason is err without secrets: the address of a connection holds a ticket.
func (s *socket) reason(err error) string {
	if err == nil {
		return "it ended"
	}
	if code := err.Error(); code == "invalid_auth" || code == "not_authed" || code == "token_revoked" || code == "account_inactive" || code == "not_allowed_token_type" {
		return code + ": the app token is not valid; make one with the scope connections:write in the app's settings under Basic Information, and turn Socket Mode on"
	}
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	return notifiers.NewFailure(s.app.redact, err.Error(), err).Error()
}

// trouble says that it is down; "" while it is up, or only just went down.
func (s *socket) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() || s.desk.config.Now().Sub(s.since) < socketGrace {
		return ""
	}
	return "buttons and commands in Slack do nothing since " + s.since.UTC().Format("2 Jan 15:04") + " UTC, for Socket Mode is not connected: " + s.why
}
