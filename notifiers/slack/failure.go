package slack

import (
	"encoding/json"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// failure judges an exchange: first what HTTP says, then the answer's own ok
// and error, then whether slack-go could read it.
func failure(x *notifiers.Exchange, what string, err error, redact notifiers.Redactor) *delivery.Error {
	what = "slack " + what
	if failed := x.Failure(what, redact); failed != nil {
		return failed
	}
	var answer struct {
		OK       bool   `json:"ok"`
		Error    string `json:"error"`
		Needed   string `json:"needed"`
		Provided string `json:"provided"`
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	switch {
	case x.LooksHTML():
		return x.Reject(what, delivery.Ambiguous, "an HTML page instead of an answer; does a proxy answer for Slack?", redact)
	case len(x.Body) == 0:
		return x.Reject(what, delivery.Ambiguous, "an empty answer", redact)
	case json.Unmarshal(x.Body, &answer) != nil:
		return x.Reject(what, delivery.Ambiguous, "an answer that is not JSON; does a proxy answer for Slack?", redact)
	case answer.Error != "" && !answer.OK:
		class, advice := meaning(answer.Error)
		why := answer.Error
		if answer.Needed != "" {
			why += " (needs " + answer.Needed + ", has " + answer.Provided + ")"
		}
		if len(answer.Metadata.Messages) > 0 {
			why += " (" + strings.Join(answer.Metadata.Messages, "; ") + ")"
		}
		return x.Reject(what, class, why+": "+advice, redact)
	case !answer.OK:
		return x.Reject(what, delivery.Ambiguous, "the answer does not say ok", redact)
	case err != nil:
		return x.Reject(what, delivery.Ambiguous, "cannot read the answer: "+err.Error(), redact)
	}
	return nil
}
