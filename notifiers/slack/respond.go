package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
)

// respond says something to one person alone, where they pressed or typed.
func (a *app) respond(ctx context.Context, to string, lines []notifiers.Line, page string) error {
	if err := a.checkAnswerTo(to); err != nil {
		return err
	}
	blocks := sections(lines)
	if page != "" {
		blocks = append(blocks, slackgo.NewActionBlock("", button("Open page", actOpen, "").WithURL(page)))
	}
	body, err := json.Marshal(struct {
		Type    string          `json:"response_type"`
		Replace bool            `json:"replace_original"`
		Text    string          `json:"text"`
		Blocks  []slackgo.Block `json:"blocks"`
	}{"ephemeral", false, fallback("", lines), blocks})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address for the answer does not parse")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	x := a.sender.Exchange()
	// The answer is "ok"; what went wrong is in x.
	if resp, err := x.Do(req); err == nil {
		_ = resp.Body.Close()
	}
	if failed := x.Failure("slack answer", notifiers.NewRedactor(notifiers.NewSecret(to), a.config.Token)); failed != nil {
		return failed
	}
	return nil
}

// checkAnswerTo lets answers go to Slack only, or to what stands in its place.
func (a *app) checkAnswerTo(to string) error {
	u, err := url.Parse(to)
	api, apiErr := url.Parse(a.config.APIURL)
	switch {
	case err != nil || apiErr != nil || u.Host == "":
		return errors.New("there is no address for the answer")
	case u.Scheme == api.Scheme && u.Host == api.Host:
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("the address for the answer, %s, is not https", notifiers.RedactedURL(to))
	}
	return nil
}
