package slack_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/feedwatch/feedwatch/notifiers/notifiertest"
)

// boltScript asks Slack's own framework of each request whether it is Slack's.
const boltScript = `
const { isValidSlackRequest } = require(process.argv[1] + "/@slack/bolt/dist/receivers/verify-request");
const asked = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(asked.map(({ secret, signature, timestamp, body }) => isValidSlackRequest({
	signingSecret: secret, body, headers: { "x-slack-signature": signature, "x-slack-request-timestamp": Number(timestamp) },
}))));
`

// TestBolt holds our idea of a signature against that of Bolt, which nobody here wrote.
func TestBolt(t *testing.T) {
	type request struct {
		Name      string `json:"-"`
		Secret    string `json:"secret"`
		Signature string `json:"signature"`
		Timestamp string `json:"timestamp"`
		Body      string `json:"body"`
	}
	p := newPeople(t, notifiertest.Open())
	now := time.Now()
	var asked []request
	ask := func(name, secret string, at time.Time, change func(*request)) {
		body := p.body("Acknowledge", "anna")
		h := notifiertest.SignSlack(secret, at, body)
		r := request{name, signingSecret, h.Get("X-Slack-Signature"), h.Get("X-Slack-Request-Timestamp"), body}
		change(&r)
		asked = append(asked, r)
	}
	as := func(*request) {}
	ask("good", signingSecret, now, as)
	ask("four minutes old", signingSecret, now.Add(-4*time.Minute), as)
	ask("six minutes old", signingSecret, now.Add(-6*time.Minute), as)
	ask("another secret", "another-fwsecret-of-somebody", now, as)
	ask("another body", signingSecret, now, func(r *request) { r.Body += "&x=1" })
	ask("a body with odd characters", signingSecret, now, func(r *request) {
		r.Body = "payload=%7B%22type%22%3A%22x\u00e9\u2028%22%7D"
		r.Signature = notifiertest.SignSlack(signingSecret, now, r.Body).Get("X-Slack-Signature")
	})
	ask("another time", signingSecret, now, func(r *request) { r.Timestamp = strconv.FormatInt(now.Unix()+1, 10) })
	ask("another version", signingSecret, now, func(r *request) { r.Signature = strings.Replace(r.Signature, "v0=", "v1=", 1) })
	ask("a short signature", signingSecret, now, func(r *request) { r.Signature = r.Signature[:20] })
	ask("no signature", signingSecret, now, func(r *request) { r.Signature = "v0=" })

	modules, err := filepath.Abs("../../.tools/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "-e", boltScript, modules)
	node.Stdin = strings.NewReader(string(input))
	out, err := node.CombinedOutput()
	var valid []bool
	if err != nil || json.Unmarshal(out, &valid) != nil || len(valid) != len(asked) {
		t.Fatalf("Bolt did not run (`make test` installs it): %v\n%s", err, out)
	}
	for i, r := range asked {
		header := http.Header{"X-Slack-Signature": {r.Signature}, "X-Slack-Request-Timestamp": {r.Timestamp}}
		if ours := send(p.desk.Interactions(), r.Body, header) != http.StatusUnauthorized; ours != valid[i] {
			t.Errorf("%s: we take it: %t, Bolt takes it: %t", r.Name, ours, valid[i])
		}
	}
	if !valid[0] || valid[2] {
		t.Errorf("Bolt takes %v", valid)
	}
}
