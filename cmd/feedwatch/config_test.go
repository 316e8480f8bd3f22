package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
	"github.com/feedwatch/feedwatch/watchdog/said"
	"github.com/feedwatch/feedwatch/watchdog/sources"

	"github.com/prometheus/client_golang/prometheus"
)

func TestWrongConfigurations(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown key", "install: a\nlistn: x\n", `feedwatch.yaml:2:1: unknown key "listn"`},
		{"bad span", "install: a\nsources:\n  scrape:\n    - {name: x, interval: 5x}\n", `feedwatch.yaml:4:27: "5x" is not a duration`},
		{"no install", "listen: 127.0.0.1:1\n", "give this installation a short name"},
		{"install", "install: a b\n", `install "a b"`},
		{"listen", "install: a\nlisten: x\n", "write it as host:port"},
		{"read", "install: a\nread: all\n", "write open or token"},
		{"series_max", "install: a\nseries_max: 30000000\n", "series_max 30000000: write how many clients may be known, from 1 to 20000000"},
		{"a token's series_max", "install: a\ntokens: [{name: t, series_max: -1}]\n", `token "t": series_max -1: write how many clients the feeds of the token may have`},
		{"no YAML", "install: [\n", "feedwatch.yaml:"},
		{"no secret", "install: a\nnotifiers:\n  slack: [{name: x, channel: C0123456789}]\n", "notifier slack/x: token: say where it stands"},
		{"both secrets", "install: a\nnotifiers:\n  slack: [{name: x, channel: C0123456789, token_env: A, token_file: b}]\n", "not both"},
		{"empty signing secret", "install: a\nnotifiers:\n  slack: [{name: x, channel: C0123456789, token_env: PATH, signing_secret_file: /dev/null}]\n", "signing_secret: the file /dev/null is empty"},
		{"unset app token", "install: a\nnotifiers:\n  slack: [{name: x, channel: C0123456789, token_env: PATH, app_token_env: NOT_SET_ANYWHERE}]\n", "app_token: the environment variable NOT_SET_ANYWHERE is empty or not set"},
		{"no app token", "install: a\nnotifiers:\n  slack: [{name: x, channel: C0123456789, token_env: PATH, app_token_env: PATH}]\n", "the app token is not one, which begins with xapp-"},
		{"unset secret", "install: a\nnotifiers:\n  pagerduty: [{name: x, routing_key_env: NOT_SET_ANYWHERE}]\n", "NOT_SET_ANYWHERE is empty or not set"},
		{"where", "install: a\nnotifiers:\n  pagerduty:\n    - {name: x, routing_key_env: NOT_SET_ANYWHERE}\n", "feedwatch.yaml:4:7: notifier pagerduty/x: routing_key: "},
		{"a look without a token", "install: a\nnotifiers:\n  console: [{name: x}]\n  pagerduty:\n    - {name: x, routing_key_env: PD_KEY, service: PABC123}\n", "feedwatch.yaml:5:7: notifier pagerduty/x: api_token: say where it stands"},
		{"a look at no service", "install: a\nnotifiers:\n  pagerduty:\n    - {name: x, routing_key_env: PD_KEY, api_token_env: PD_KEY}\n", "no ID of a PagerDuty service"},
		{"empty signing secret", "install: a\npagerduty_webhook:\n  secrets:\n    - {secret_env: PD_KEY}\n    - {secret_env: NOT_SET_ANYWHERE}\n", "feedwatch.yaml:5:7: secret: the environment variable NOT_SET_ANYWHERE is empty"},
		{"blank signing secret", "install: a\npagerduty_webhook:\n  secrets:\n    - {secret_env: PD_BLANK}\n", "feedwatch.yaml:4:5: pagerduty webhook: a signing secret is empty"},
		{"a watch without a URL", "install: a\nwatch: {every: 1m}\n", "feedwatch.yaml:2:8: watch: ping_url: say where it stands"},
		{"a watch too seldom", "install: a\nwatch: {ping_url_env: PD_URL, every: 1d}\n", "a ping comes every 10s to 1h"},
		{"a watch at no URL", "install: a\nwatch: {ping_url_env: PD_KEY}\n", "feedwatch.yaml:2:8: watch: the ping URL"},
		{"no mail server", "install: a\nnotifiers:\n  email:\n    - {name: x, from: a@b.example, to: [c@d.example]}\n", "feedwatch.yaml:4:7: notifier email/x: email: server"},
		{"a password that is nowhere", "install: a\nnotifiers:\n  email: [{name: x, server: \"h:587\", username: u, from: a@b.example, to: [c@d.example]}]\n", "notifier email/x: password: say where it stands"},
		{"a password in the open", "install: a\nnotifiers:\n  email: [{name: x, server: \"h:25\", tls: none, username: u, password_env: PD_KEY, from: a@b.example, to: [c@d.example]}]\n", "anybody on the way reads the password"},
		{"another TLS", "install: a\nnotifiers:\n  email: [{name: x, server: \"h:25\", tls: ssl, from: a@b.example, to: [c@d.example]}]\n", "write starttls, implicit or none"},
		{"no authority", "install: a\nnotifiers:\n  email: [{name: x, server: \"h:25\", ca_file: /dev/null, from: a@b.example, to: [c@d.example]}]\n", "ca_file: /dev/null holds no certificate"},
		{"no Alertmanager", "install: a\nnotifiers:\n  alertmanager: [{name: x}]\n", "notifier alertmanager/x: alertmanager: there are 0 urls"},
		{"Alertmanager's token", "install: a\nnotifiers:\n  alertmanager: [{name: x, urls: [\"http://h\"], token_env: NOT_SET_ANYWHERE}]\n", "token: the environment variable NOT_SET_ANYWHERE"},
		{"Alertmanager's label", "install: a\nnotifiers:\n  alertmanager: [{name: x, urls: [\"http://h\"], labels: {feed: y}}]\n", "feedwatch's own"},
		{"twice", "install: a\nnotifiers:\n  console: [{name: x}, {name: x}]\n", "console/x: it is configured twice"},
		{"source", "install: a\nsources:\n  scrape: [{name: x, url: \"ftp://h\", metric: m, feed: f}]\n", "x"},
	}
	t.Setenv("PD_KEY", "fwsecret6789abcdef0123456789abcd")
	t.Setenv("PD_BLANK", "   ")
	t.Setenv("PD_URL", "https://hc-ping.com/5f1c-fwsecret")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "feedwatch.yaml")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := readConfig(path)
			if err == nil {
				var all []delivery.Destination
				if all, err = cfg.destinations(notifiers.NewTerminal(os.Stdout, false)); err == nil {
					err = cfg.checkPagerDuty(all)
				}
				if err == nil {
					_, err = cfg.pinger(prometheus.NewRegistry(), nil, said.Log())
				}
			}
			if err == nil {
				_, err = cfg.pullers(sources.NewMetrics(prometheus.NewRegistry()), said.Log())
			}
			said.That(err)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want something with %q", err, tt.want)
			}
		})
	}
}

// TestExampleConfiguration reads deploy/examples/feedwatch.yaml as serve does.
func TestExampleConfiguration(t *testing.T) {
	t.Setenv("SLACK_APP_TOKEN", "xapp-1-fwsecret")
	for _, name := range []string{"SLACK_BOT_TOKEN", "PAGERDUTY_ROUTING_KEY_CDP", "PAGERDUTY_ROUTING_KEY_INFRASTRUCTURE", "PAGERDUTY_API_TOKEN", "PAGERDUTY_WEBHOOK_SECRET", "TICKETING_WEBHOOK_SECRET", "SMTP_PASSWORD", "ALERTMANAGER_TOKEN", "PROMETHEUS_TOKEN"} {
		value := "fwsecret6789abcdef0123456789abcd"
		if name == "SLACK_BOT_TOKEN" {
			value = "xoxb-" + value
		}
		t.Setenv(name, value)
	}
	t.Setenv("WATCH_PING_URL", "https://hc-ping.com/5f1c-fwsecret")
	cfg, err := readConfig("../../deploy/examples/feedwatch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := cfg.destinations(notifiers.NewTerminal(os.Stdout, false))
	if err != nil {
		t.Error(err)
	}
	if err := cfg.checkPagerDuty(all); err != nil {
		t.Error(err)
	}
	if _, err := cfg.pullers(sources.NewMetrics(prometheus.NewRegistry()), said.Log()); err != nil {
		t.Error(err)
	}
	if _, err := loadRules([]string{"../../deploy/examples/rules"}, targetsOf(all)); err != nil || len(all) < 5 {
		t.Errorf("%d notifiers; rules: %v", len(all), err)
	}
}
