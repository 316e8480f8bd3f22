package notifiertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/feedwatch/feedwatch/watchdog/feed"
)

// SlackServer is a Slack workspace with some channels and one bot. It keeps
// what it is told, answers as Slack does, also when the client is wrong, and
// can be made to fail with Fail.
type SlackServer struct {
	faults
	server *httptest.Server
	token  string

	state    sync.Mutex
	channels map[string]*slackChannel
	calls    []SlackCall
	scopes   []string // of the bot
	forms    chan SlackForm
	said     chan SlackMessage // to one person alone
	sockets  chan *websocket.Conn
	clock    int64 // of the last ts, in microseconds
}

type slackChannel struct {
	archived, left bool
	messages       []*SlackMessage // in order of ts
}

// SlackMessage is a message as it is now.
type SlackMessage struct {
	TS        string
	ThreadTS  string // "" for one that is in the channel itself
	Broadcast bool   // a reply that shows in the channel too
	Text      string
	Blocks    json.RawMessage
	Metadata  json.RawMessage
	Edits     int
	At        time.Time
}

// SlackCall is a request as it arrived, without its token.
type SlackCall struct {
	At      time.Time
	Method  string // chat.postMessage
	Form    url.Values
	Problem string // Slack's error; "" for ok
}

// NewSlackServer starts a workspace on a free port. The channels are IDs such
// as C0123456789; the bot is a member of each.
func NewSlackServer(token string, channels ...string) *SlackServer {
	s := &SlackServer{token: token, channels: map[string]*slackChannel{}, sockets: make(chan *websocket.Conn, 1)}
	s.forms, s.said = make(chan SlackForm, 100), make(chan SlackMessage, 1000)
	s.scopes = []string{"chat:write", "channels:history", "groups:history", "channels:read", "groups:read", "commands"}
	for _, id := range channels {
		s.channels[id] = &slackChannel{}
	}
	s.server = httptest.NewServer(s)
	return s
}

// ServeHTTP answers as the workspace, or as the faults say.
func (s *SlackServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.front(http.HandlerFunc(s.serve)).ServeHTTP(w, r)
}

// URL is the API's URL, for slack.Config.APIURL.
func (s *SlackServer) URL() string { return s.server.URL + "/api/" }

// Close stops the server.
func (s *SlackServer) Close() { s.server.Close() }

// Messages are all messages of a channel, threads included, in order of ts.
func (s *SlackServer) Messages(channel string) []SlackMessage {
	s.state.Lock()
	defer s.state.Unlock()
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	all := make([]SlackMessage, 0, len(c.messages))
	for _, m := range c.messages {
		all = append(all, *m)
	}
	return all
}

// Roots are the messages of a channel that are no reply.
func (s *SlackServer) Roots(channel string) []SlackMessage {
	return slices.DeleteFunc(s.Messages(channel), func(m SlackMessage) bool { return m.ThreadTS != "" })
}

// Thread are the replies to the message ts.
func (s *SlackServer) Thread(channel, ts string) []SlackMessage {
	return slices.DeleteFunc(s.Messages(channel), func(m SlackMessage) bool { return m.ThreadTS != ts })
}

// Drain are all messages of a channel, which is empty afterwards.
func (s *SlackServer) Drain(channel string) []SlackMessage {
	all := s.Messages(channel)
	s.change(channel, func(c *slackChannel) { c.messages = nil })
	s.state.Lock()
	defer s.state.Unlock()
	s.calls = nil
	return all
}

// Now is the workspace's clock, from which every ts is made.
func (s *SlackServer) Now() feed.Instant { return feed.At(time.Now()) }

// Calls are the requests that reached the workspace, in order.
func (s *SlackServer) Calls() []SlackCall {
	s.state.Lock()
	defer s.state.Unlock()
	return slices.Clone(s.calls)
}

// Archive archives a channel.
func (s *SlackServer) Archive(channel string) {
	s.change(channel, func(c *slackChannel) { c.archived = true })
}

// Leave takes the bot out of a channel.
func (s *SlackServer) Leave(channel string) {
	s.change(channel, func(c *slackChannel) { c.left = true })
}

// Delete deletes a message, as a person would.
func (s *SlackServer) Delete(channel, ts string) {
	s.change(channel, func(c *slackChannel) {
		c.messages = slices.DeleteFunc(c.messages, func(m *SlackMessage) bool { return m.TS == ts })
	})
}

func (s *SlackServer) change(channel string, f func(*slackChannel)) {
	s.state.Lock()
	defer s.state.Unlock()
	f(s.channels[channel])
}

// answer is what a method answers: fields beside ok, or a problem.
type answer struct {
	problem string
	fields  map[string]any
}

func problem(code string, fields ...any) answer {
	a := answer{problem: code, fields: map[string]any{}}
	for i := 0; i+1 < len(fields); i += 2 {
		a.fields[fields[i].(string)] = fields[i+1]
	}
	return a
}

func (s *SlackServer) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/answer/"):
		s.hear(w, r)
		return
	case r.URL.Path == "/socket":
		s.connect(w, r)
		return
	}
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	form, err := readForm(r)
	if err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	token := form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	form.Del("token")
	s.state.Lock()
	defer s.state.Unlock()
	a := s.handle(method, token, form)
	s.calls = append(s.calls, SlackCall{At: time.Now(), Method: method, Form: form, Problem: a.problem})
	body := map[string]any{"ok": a.problem == ""}
	if a.problem != "" {
		body["error"] = a.problem
	}
	for k, v := range a.fields {
		body[k] = v
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes, ","))
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// readForm reads arguments as a form, or as JSON: then all but strings stay JSON.
func readForm(r *http.Request) (url.Values, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		err := r.ParseForm()
		return r.PostForm, err
	}
	var arguments map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&arguments); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	form := url.Values{}
	for k, v := range arguments {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		form.Set(k, text)
	}
	return form, nil
}

func (s *SlackServer) handle(method, token string, form url.Values) answer {
	switch {
	case token == "":
		return problem("not_authed")
	case method == "apps.connections.open" && token == SlackAppToken:
		return answer{fields: map[string]any{"url": "ws" + strings.TrimPrefix(s.server.URL, "http") + "/socket"}}
	case token != s.token:
		return problem("invalid_auth")
	case method == "auth.test":
		return answer{fields: map[string]any{
			"user_id": "U0FEEDWATCH", "bot_id": "B0FEEDWATCH", "team": "test", "team_id": "T0FEEDWATCH", "user": "feedwatch", "url": "https://test.slack.com/",
		}}
	case method == "views.open":
		return s.open(form)
	}
	c := s.channels[form.Get("channel")]
	if c == nil {
		return problem("channel_not_found")
	}
	switch method {
	case "chat.postMessage":
		return s.post(c, form)
	case "chat.update":
		return s.update(c, form)
	case "chat.delete":
		m := find(c, form.Get("ts"))
		if m == nil {
			return problem("message_not_found")
		}
		c.messages = slices.DeleteFunc(c.messages, func(other *SlackMessage) bool { return other == m })
		return answer{fields: map[string]any{"channel": form.Get("channel"), "ts": m.TS}}
	case "conversations.info":
		return s.info(c, form)
	case "conversations.history", "conversations.replies":
		switch {
		case !slices.Contains(s.scopes, "channels:history"):
			return problem("missing_scope", "needed", "channels:history,groups:history,mpim:history,im:history", "provided", strings.Join(s.scopes, ","))
		case method == "conversations.history":
			return history(c, form)
		}
		return replies(c, form)
	default:
		return problem("unknown_method")
	}
}

func (s *SlackServer) post(c *slackChannel, form url.Values) answer {
	if a := checkPostable(c, form); a.problem != "" {
		return a
	}
	s.clock = max(s.clock+1, time.Now().UnixMicro())
	m := &SlackMessage{TS: fmt.Sprintf("%d.%06d", s.clock/1e6, s.clock%1e6), At: time.Now()}
	write(m, form)
	// Slack puts a reply whose root is gone into the channel itself.
	if root := find(c, form.Get("thread_ts")); root != nil {
		m.ThreadTS = root.TS
		if root.ThreadTS != "" {
			m.ThreadTS = root.ThreadTS
		}
		m.Broadcast = form.Get("reply_broadcast") == "true"
	}
	c.messages = append(c.messages, m)
	return answer{fields: map[string]any{"channel": form.Get("channel"), "ts": m.TS, "message": show(m, true)}}
}

func (s *SlackServer) update(c *slackChannel, form url.Values) answer {
	m := find(c, form.Get("ts"))
	if m == nil {
		return problem("message_not_found")
	}
	if a := checkPostable(c, form); a.problem != "" {
		return a
	}
	write(m, form)
	m.Edits++
	return answer{fields: map[string]any{"channel": form.Get("channel"), "ts": m.TS, "text": m.Text, "message": show(m, true)}}
}

func checkPostable(c *slackChannel, form url.Values) answer {
	switch {
	case c.archived:
		return problem("is_archived")
	case c.left:
		return problem("not_in_channel")
	default:
		return checkMessage(form)
	}
}

func write(m *SlackMessage, form url.Values) {
	m.Text = form.Get("text")
	m.Blocks = json.RawMessage(form.Get("blocks"))
	if metadata := form.Get("metadata"); metadata != "" {
		m.Metadata = json.RawMessage(metadata)
	}
}

func find(c *slackChannel, ts string) *SlackMessage {
	for _, m := range c.messages {
		if m.TS == ts {
			return m
		}
	}
	return nil
}
