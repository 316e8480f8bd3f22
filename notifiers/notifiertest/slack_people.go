package notifiertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// The other way: what people do in the workspace, and what they are told of it.

// SlackAppToken opens Socket Mode.
const SlackAppToken = "xapp-1-A0FEEDWATCH-fwsecret-abcdef"

// SlackForm is a form that was opened for a person.
type SlackForm struct {
	Trigger  string
	Callback string
	Metadata string
	View     json.RawMessage
}

// Reading is the form as a person reads it.
func (f SlackForm) Reading() string {
	var view struct {
		Title, Submit, Close *slackText
		Blocks               json.RawMessage
	}
	_ = json.Unmarshal(f.View, &view) // it was read when it was opened
	return "# " + view.Title.text + "\n" + SlackMessage{Blocks: view.Blocks}.Reading() + "\n[" + view.Submit.text + "] [" + view.Close.text + "]"
}

// Scopes are what the bot may do from now on.
func (s *SlackServer) Scopes(scopes ...string) {
	s.state.Lock()
	defer s.state.Unlock()
	s.scopes = scopes
}

// Form waits for the next form that is opened.
func (s *SlackServer) Form(ctx context.Context) (SlackForm, error) { return next(ctx, s.forms) }

// Said waits for what a person is told next, alone.
func (s *SlackServer) Said(ctx context.Context) (SlackMessage, error) { return next(ctx, s.said) }

// Socket waits for the next connection of Socket Mode.
func (s *SlackServer) Socket(ctx context.Context) (*SlackSocket, error) {
	conn, err := next(ctx, s.sockets)
	return &SlackSocket{conn}, err
}

func next[T any](ctx context.Context, from <-chan T) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("nothing came: %w", ctx.Err())
	}
}

// AnswerURL is where what is said to one person goes.
func (s *SlackServer) AnswerURL() string { return s.server.URL + "/answer/T1/fwsecret-of-the-answer" }

// Press is what Slack sends when a person presses the button, or chooses the option
// of a menu, that says label in the message ts.
func (s *SlackServer) Press(channel, ts, label, user string) (payload string, err error) {
	s.state.Lock()
	defer s.state.Unlock()
	m := find(s.channels[channel], ts)
	if m == nil {
		return "", fmt.Errorf("no message %s in %s", ts, channel)
	}
	action, err := findAction(m.Blocks, label)
	if err != nil {
		return "", err
	}
	return s.interaction("block_actions", user, map[string]any{
		"actions": []any{action}, "message": show(m, true),
		"channel": map[string]any{"id": channel}, "container": map[string]any{"type": "message", "message_ts": ts, "channel_id": channel},
	}), nil
}

// Submit is what Slack sends when a person writes text into a form and sends it.
func (s *SlackServer) Submit(form SlackForm, text, user string) string {
	var view struct {
		Blocks []struct {
			Type    string `json:"type"`
			ID      string `json:"block_id"`
			Element struct {
				ActionID string `json:"action_id"`
			} `json:"element"`
		} `json:"blocks"`
	}
	_ = json.Unmarshal(form.View, &view) // it was read when it was opened
	values := map[string]any{}
	for _, b := range view.Blocks {
		if b.Type == "input" {
			values[b.ID] = map[string]any{b.Element.ActionID: map[string]any{"type": "plain_text_input", "value": text}}
		}
	}
	return s.interaction("view_submission", user, map[string]any{
		"response_url": "", // a form has none
		"view":         map[string]any{"callback_id": form.Callback, "private_metadata": form.Metadata, "state": map[string]any{"values": values}},
	})
}

func (s *SlackServer) interaction(kind, user string, more map[string]any) string {
	payload := map[string]any{
		"type": kind, "token": "deprecated", "api_app_id": "A0FEEDWATCH", "trigger_id": "13345224609.738474920.8088930838d88f008e0",
		"response_url": s.AnswerURL(), "team": map[string]any{"id": "T1", "domain": "test"},
		"user": map[string]any{"id": "U0ANNA", "username": user, "name": user, "team_id": "T1"},
	}
	for k, v := range more {
		payload[k] = v
	}
	text, _ := json.Marshal(payload) // made of strings and of JSON
	return string(text)
}

// findAction is the element that a person sees as label.
func findAction(blocks json.RawMessage, label string) (map[string]any, error) {
	var list []struct {
		ID       string `json:"block_id"`
		Elements []struct {
			Type    string `json:"type"`
			ID      string `json:"action_id"`
			Text    any    `json:"text"`
			Value   string `json:"value"`
			Options []struct {
				Text  struct{ Text string } `json:"text"`
				Value string                `json:"value"`
			} `json:"options"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(blocks, &list); err != nil {
		return nil, err
	}
	for _, b := range list {
		for _, e := range b.Elements {
			action := map[string]any{"type": e.Type, "action_id": e.ID, "block_id": b.ID}
			if text, ok := e.Text.(map[string]any); ok && text["text"] == label {
				action["value"] = e.Value
				return action, nil
			}
			for _, o := range e.Options {
				if o.Text.Text == label {
					action["selected_option"] = map[string]any{"value": o.Value, "text": map[string]any{"type": "plain_text", "text": label}}
					return action, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("the message has nothing that says %q", label)
}

// hear takes what is said to one person.
func (s *SlackServer) hear(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Type    string          `json:"response_type"`
		Replace bool            `json:"replace_original"`
		Text    string          `json:"text"`
		Blocks  json.RawMessage `json:"blocks"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	s.state.Lock()
	defer s.state.Unlock()
	form := url.Values{"text": {body.Text}, "blocks": {string(body.Blocks)}}
	switch a := checkMessage(form); {
	case err != nil || body.Type != "ephemeral" || body.Replace:
		http.Error(w, "invalid_payload", http.StatusBadRequest)
	case a.problem != "":
		http.Error(w, a.problem+fmt.Sprint(a.fields), http.StatusBadRequest)
	default:
		s.said <- SlackMessage{Text: body.Text, Blocks: body.Blocks, At: time.Now()}
		_, _ = io.WriteString(w, "ok")
	}
}

// open is views.open.
func (s *SlackServer) open(form url.Values) answer {
	var view struct {
		Type     string `json:"type"`
		Callback string `json:"callback_id"`
		Metadata string `json:"private_metadata"`
		Title    *slackText
		Submit   *slackText
		Close    *slackText
		Blocks   []slackBlock
	}
	raw := form.Get("view")
	switch err := json.Unmarshal([]byte(raw), &view); {
	case form.Get("trigger_id") == "":
		return problem("invalid_trigger_id")
	case err != nil || view.Type != "modal" || len(view.Metadata) > slackMetadataMax:
		return problem("invalid_arguments")
	}
	for _, t := range []*slackText{view.Title, view.Submit, view.Close} {
		if err := checkText(t, "plain_text", slackTitleMax); err != nil {
			return problem("invalid_arguments", "response_metadata", map[string]any{"messages": []string{"[ERROR] " + err.Error()}})
		}
	}
	if err := checkBlocks(view.Blocks); err != nil {
		return problem("invalid_arguments", "response_metadata", map[string]any{"messages": []string{"[ERROR] " + err.Error()}})
	}
	s.forms <- SlackForm{Trigger: form.Get("trigger_id"), Callback: view.Callback, Metadata: view.Metadata, View: json.RawMessage(raw)}
	return answer{fields: map[string]any{"view": map[string]any{"id": "V1", "type": "modal"}}}
}

// info is conversations.info.
func (s *SlackServer) info(c *slackChannel, form url.Values) answer {
	if !slices.Contains(s.scopes, "channels:read") {
		return problem("missing_scope", "needed", "channels:read,groups:read,mpim:read,im:read", "provided", strings.Join(s.scopes, ","))
	}
	return answer{fields: map[string]any{"channel": map[string]any{
		"id": form.Get("channel"), "name": "cdp-alerts", "is_channel": true, "is_archived": c.archived, "is_member": !c.left,
	}}}
}

// SignSlack is the headers with which Slack signs a body.
func SignSlack(secret string, at time.Time, body string) http.Header {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+t+":"+body)
	h := http.Header{}
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	h.Set("X-Slack-Request-Timestamp", t)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return h
}

// connect is the far end of Socket Mode.
func (s *SlackServer) connect(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered by the upgrader
	}
	if conn.WriteJSON(map[string]any{"type": "hello", "num_connections": 1, "connection_info": map[string]any{"app_id": "A0FEEDWATCH"}}) == nil {
		s.sockets <- conn
	}
}

// SlackSocket is a connection of Socket Mode, seen from Slack.
type SlackSocket struct{ conn *websocket.Conn }

// Send sends what people did, and waits until it is acknowledged; kind is
// "interactive" or "slash_commands".
func (c *SlackSocket) Send(kind, envelope, payload string) error {
	err := c.conn.WriteJSON(map[string]any{"type": kind, "envelope_id": envelope, "accepts_response_payload": false, "payload": json.RawMessage(payload)})
	if err != nil {
		return err
	}
	var ack struct {
		Envelope string `json:"envelope_id"`
	}
	if err := c.conn.ReadJSON(&ack); err != nil {
		return err
	}
	if ack.Envelope != envelope {
		return fmt.Errorf("acknowledged %q, want %q", ack.Envelope, envelope)
	}
	return nil
}

// Refresh says, as Slack does every few hours, that the connection will end.
func (c *SlackSocket) Refresh() error {
	return c.conn.WriteJSON(map[string]any{"type": "disconnect", "reason": "refresh_requested"})
}

// Close ends the connection without a word.
func (c *SlackSocket) Close() { _ = c.conn.Close() }
