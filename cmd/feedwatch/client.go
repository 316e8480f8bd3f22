package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/feedwatch/feedwatch/watchdog"
)

// serverFlags say which running feedwatch a command speaks to.
type serverFlags struct{ url, tokenEnv string }

// tokenEnvDefault is where a token is looked for when the command line does not
// say; it need not be set.
const tokenEnvDefault = "FEEDWATCH_TOKEN"

func (f *serverFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "server", "http://127.0.0.1:8787", "the running feedwatch")
	flags.StringVar(&f.tokenEnv, "token-env", "", "the environment variable with a token that may read (default "+tokenEnvDefault+", if set)")
}

// client is a reader of a running feedwatch's API.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// Bounds on one request.
const (
	clientTimeout        = 30 * time.Second
	clientAnswerBytesMax = 64 << 20
)

func (f *serverFlags) client() (*client, error) {
	base, err := url.Parse(strings.TrimRight(f.url, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--server %q: write it as http://127.0.0.1:8787", f.url)
	}
	c := &client{base: base, token: os.Getenv(tokenEnvDefault)}
	if f.tokenEnv != "" {
		if c.token, err = secretFrom("token", f.tokenEnv, ""); err != nil {
			return nil, err
		}
	}
	c.http = &http.Client{
		Timeout: clientTimeout,
		// A redirect would take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// answerError is an answer that is no success.
type answerError struct {
	code int
	text string
}

func (e *answerError) Error() string { return e.text }

// get reads a path of the API into v.
func (c *client) get(ctx context.Context, path string, query url.Values, v any) error {
	return c.do(ctx, http.MethodGet, path, query, "", nil, v)
}

// post asks for something to be done, and reads the answer into v.
func (c *client) post(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodPost, path, nil, "", nil, v)
}

// send posts a body of the given media type, and reads the answer into v.
func (c *client) send(ctx context.Context, path, kind string, body []byte, v any) error {
	return c.do(ctx, http.MethodPost, path, nil, kind, bytes.NewReader(body), v)
}

func (c *client) do(ctx context.Context, method, path string, query url.Values, kind string, content io.Reader, v any) (err error) {
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), content)
	if err != nil {
		return fmt.Errorf("ask %s: %w", c.base.Redacted(), err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		err = plainly(err)
		return fmt.Errorf("cannot reach %s: %w; does feedwatch run there? --server says where", c.base.Redacted(), err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, clientAnswerBytesMax+1))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base.Redacted(), err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted {
		return c.refused(resp.StatusCode, body)
	}
	if len(body) > clientAnswerBytesMax {
		return fmt.Errorf("the answer of %s has more than %d bytes", c.base.Redacted(), clientAnswerBytesMax)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%s does not answer as feedwatch does: %w; is --server right?", c.base.Redacted(), err)
	}
	return nil
}

// plainly is why a request failed, without the address and the steps on the way.
func plainly(err error) error {
	var errno syscall.Errno
	var failed *url.Error
	switch {
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &failed):
		return failed.Err
	default:
		return err
	}
}

func (c *client) refused(code int, body []byte) error {
	var problem struct{ Error string }
	text := fmt.Sprintf("%s answers %d", c.base.Redacted(), code)
	if json.Unmarshal(body, &problem) == nil && problem.Error != "" {
		text += ": " + problem.Error
	}
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += "; --token-env names the environment variable with a token that may read"
	case http.StatusNotFound:
		if problem.Error == "" {
			text += "; is --server right?"
		}
	}
	return &answerError{code, text}
}

// incident is the one that is meant: by its id, the beginning of one, or "latest".
func (c *client) incident(ctx context.Context, which string) (*watchdog.Incident, error) {
	if which != latest {
		inc, err := c.byID(ctx, which)
		var refused *answerError
		if err == nil || !errors.As(err, &refused) || refused.code != http.StatusNotFound {
			return inc, err
		}
	}
	var list struct{ Incidents []*watchdog.Incident }
	if err := c.get(ctx, "/api/v1/incidents", nil, &list); err != nil {
		return nil, err
	}
	inc, err := pick(list.Incidents, which)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.base.Redacted(), err)
	}
	return c.byID(ctx, inc.ID)
}

func (c *client) byID(ctx context.Context, id string) (*watchdog.Incident, error) {
	inc := &watchdog.Incident{}
	if err := c.get(ctx, "/api/v1/incidents/"+url.PathEscape(id), nil, inc); err != nil {
		return nil, err
	}
	return inc, nil
}

// ledger is the whole ledger of an incident.
func (c *client) ledger(ctx context.Context, id string) ([]watchdog.LedgerRow, error) {
	var all []watchdog.LedgerRow
	for after := ""; ; {
		var page struct {
			Rows []watchdog.LedgerRow
			Next string `json:"next_after"`
		}
		q := url.Values{"limit": {"10000"}, "after": {after}}
		if err := c.get(ctx, "/api/v1/incidents/"+url.PathEscape(id)+"/ledger", q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Rows...)
		if after = page.Next; after == "" {
			return all, nil
		}
	}
}

// eachClient reads the clients of a feed that are not retired; of a feed that the
// server does not know there are none.
func (c *client) eachClient(ctx context.Context, feedName string, do func(*watchdog.ClientView)) error {
	for cursor, more := 0, true; more; {
		var page watchdog.ClientPage
		q := url.Values{"limit": {strconv.Itoa(watchdog.ClientPageMax)}, "cursor": {strconv.Itoa(cursor)}}
		err := c.get(ctx, "/api/v1/feeds/"+url.PathEscape(feedName)+"/clients", q, &page)
		var refused *answerError
		switch {
		case errors.As(err, &refused) && refused.code == http.StatusNotFound:
		case err != nil:
			return err
		}
		for i := range page.Clients {
			if page.Clients[i].Verdict != watchdog.Retired {
				do(&page.Clients[i])
			}
		}
		cursor, more = page.Next, page.Next != 0
	}
	return nil
}

// latest stands for the incident that opened last.
const latest = "latest"

// pick finds the incident that is meant among those that the server lists.
func pick(all []*watchdog.Incident, which string) (*watchdog.Incident, error) {
	var found []*watchdog.Incident
	for _, inc := range all {
		switch {
		case which == latest && len(found) > 0 && inc.Opened <= found[0].Opened:
		case which == latest:
			found = []*watchdog.Incident{inc}
		case strings.HasPrefix(inc.ID, which):
			found = append(found, inc)
		}
	}
	switch {
	case len(all) == 0:
		return nil, errors.New("there was no incident yet, so there is nothing to report")
	case len(found) == 0:
		return nil, fmt.Errorf("no incident's id begins with %q; there are %s", which, ids(all))
	case len(found) > 1:
		return nil, fmt.Errorf("%d incidents' ids begin with %q: %s; write more of it", len(found), which, ids(found))
	}
	return found[0], nil
}

// ids lists incidents for an error.
func ids(all []*watchdog.Incident) string {
	const shown = 8
	var parts []string
	for _, inc := range all[:min(len(all), shown)] {
		parts = append(parts, fmt.Sprintf("%s (%s, %s)", inc.ID, inc.Feed, inc.State))
	}
	if more := len(all) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}
