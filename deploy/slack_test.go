package deploy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/notifiers/slack"
)

// slackManifest is every key that we set, in the words of Slack's manifest reference.
type slackManifest struct {
	Display struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		Background  string `yaml:"background_color"`
	} `yaml:"display_information"`
	Features struct {
		Bot struct {
			Name   string `yaml:"display_name"`
			Online bool   `yaml:"always_online"`
		} `yaml:"bot_user"`
		Commands []struct {
			Command     string `yaml:"command"`
			URL         string `yaml:"url"`
			Description string `yaml:"description"`
			Hint        string `yaml:"usage_hint"`
			Escape      bool   `yaml:"should_escape"`
		} `yaml:"slash_commands"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Interactivity struct {
			Enabled bool   `yaml:"is_enabled"`
			URL     string `yaml:"request_url"`
		} `yaml:"interactivity"`
		SocketMode    bool `yaml:"socket_mode_enabled"`
		OrgDeploy     bool `yaml:"org_deploy_enabled"`
		TokenRotation bool `yaml:"token_rotation_enabled"`
	} `yaml:"settings"`
}

// TestSlackManifest holds the manifest, as it stands and changed as it says for HTTP,
// against Slack's limits and what the code asks for and serves.
func TestSlackManifest(t *testing.T) {
	text := read(t, "slack/manifest.yaml")
	over := regexp.MustCompile(`# HTTP: (\w+: https)`).ReplaceAllString(text, "$1")
	over = strings.ReplaceAll(over, "true # HTTP: false", "false")
	for name, text := range map[string]string{"Socket Mode": text, "HTTP": over} {
		var m slackManifest
		if err := yaml.Load([]byte(text), &m, yaml.WithKnownFields()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		scopes, want := slices.Sorted(slices.Values(m.OAuth.Scopes.Bot)), slices.Sorted(slices.Values(slack.BotScopes()))
		if !slices.Equal(scopes, want) {
			t.Errorf("%s: scopes %q, the code uses %q", name, scopes, want)
		}
		interactions, commands := "", ""
		if name == "HTTP" {
			interactions, commands = "https://FEEDWATCH"+slack.InteractionsPath, "https://FEEDWATCH"+slack.CommandsPath
		}
		s, c := m.Settings, m.Features.Commands
		if s.SocketMode != (name == "Socket Mode") || !s.Interactivity.Enabled || s.Interactivity.URL != interactions || s.TokenRotation {
			t.Errorf("%s: settings %+v", name, s)
		}
		if len(c) != 1 || c[0].Command != "/feedwatch" || c[0].URL != commands || c[0].Escape {
			t.Errorf("%s: commands %+v", name, c)
		}
		for text, most := range map[string]int{m.Display.Name: 35, m.Display.Description: 140, m.Features.Bot.Name: 80, c[0].Description: 2000, c[0].Hint: 1000} {
			if text == "" || len(text) > most {
				t.Errorf("%s: %q has 0 or more than %d characters", name, text, most)
			}
		}
	}
}
