package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/rules"
	"github.com/feedwatch/feedwatch/watchdog"
)

// config is the service's own configuration file, owned by whoever deploys
// feedwatch. What is watched and who is told stands in the rule files.
type config struct {
	Install     string          `yaml:"install"`
	Listen      string          `yaml:"listen"`
	ExternalURL string          `yaml:"external_url"`
	Rules       string          `yaml:"rules"`
	Store       storeConfig     `yaml:"store"`
	Tokens      []tokenConfig   `yaml:"tokens"`
	SeriesMax   int             `yaml:"series_max"`
	Read        string          `yaml:"read"`
	Metrics     metricsConfig   `yaml:"metrics"`
	Notifiers   notifiersConfig `yaml:"notifiers"`
	Sources     sourcesConfig   `yaml:"sources"`
	Drills      []drillConfig   `yaml:"drills"`

	Watch            watchConfig            `yaml:"watch"`
	PagerDutyWebhook pagerDutyWebhookConfig `yaml:"pagerduty_webhook"`

	places places
}

type storeConfig struct {
	Path string `yaml:"path"`
}

type tokenConfig struct {
	Name   string   `yaml:"name"`
	Secret secret   `yaml:",inline"`
	Feeds  []string `yaml:"feeds"`
	Roles  []string `yaml:"roles"`
	// SeriesMax: it makes no further client once its feeds have so many.
	SeriesMax int `yaml:"series_max"`
}

// secret is where a token stands; never the token itself.
type secret struct {
	Env  string `yaml:"token_env"`
	File string `yaml:"token_file"`
}

type metricsConfig struct {
	Clients struct {
		Enabled bool `yaml:"enabled"`
		Limit   int  `yaml:"limit"`
	} `yaml:"clients"`
}

type notifiersConfig struct {
	Slack     []slackConfig     `yaml:"slack"`
	PagerDuty []pagerDutyConfig `yaml:"pagerduty"`
	Webhook   []struct {
		Name       string `yaml:"name"`
		URL        string `yaml:"url"`
		URLEnv     string `yaml:"url_env"`
		URLFile    string `yaml:"url_file"`
		SecretEnv  string `yaml:"secret_env"`
		SecretFile string `yaml:"secret_file"`
	} `yaml:"webhook"`
	Email        []emailConfig        `yaml:"email"`
	Alertmanager []alertmanagerConfig `yaml:"alertmanager"`
	Console      []struct {
		Name string `yaml:"name"`
	} `yaml:"console"`
}

type sourcesConfig struct {
	Prometheus []prometheusConfig `yaml:"prometheus"`
	Scrape     []scrapeConfig     `yaml:"scrape"`
}

// pullConfig is what every pull source has.
type pullConfig struct {
	Name        string   `yaml:"name"`
	URL         string   `yaml:"url"`
	Feed        string   `yaml:"feed"`
	FeedLabel   string   `yaml:"feed_label"`
	ClientLabel string   `yaml:"client_label"`
	Labels      []string `yaml:"labels"`
	Interval    span     `yaml:"interval"`
	Timeout     span     `yaml:"timeout"`
	LagMax      span     `yaml:"lag_max"`
	BearerEnv   string   `yaml:"bearer_token_env"`
	BearerFile  string   `yaml:"bearer_token_file"`
	CAFile      string   `yaml:"ca_file"`
}

type prometheusConfig struct {
	Pull       pullConfig `yaml:",inline"`
	Query      string     `yaml:"query"`
	EventQuery string     `yaml:"event_query"`
	ScrapeLag  span       `yaml:"scrape_lag"`
}

type scrapeConfig struct {
	Pull        pullConfig `yaml:",inline"`
	Metric      string     `yaml:"metric"`
	EventMetric string     `yaml:"event_metric"`
}

// span is a duration as rule files write them: 90s, 15m, 7d.
type span time.Duration

func (s span) duration() time.Duration { return time.Duration(s) }

// UnmarshalYAML reads a span.
func (s *span) UnmarshalYAML(node *yaml.Node) error {
	d, err := rules.ParseDuration(node.Value)
	if err != nil {
		return err
	}
	*s = span(d)
	return nil
}

var (
	installName  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$`)
	notifierName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$`)
)

// readConfig reads and checks a configuration file. Paths in it are relative to it.
func readConfig(path string) (*config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c := &config{Listen: "127.0.0.1:8787", Rules: "rules", Store: storeConfig{Path: "feedwatch.db"}}
	if err := yaml.Load(data, c, yaml.WithKnownFields()); err != nil {
		return nil, explainYAML(path, data, err)
	}
	c.places = newPlaces(path, data)
	c.Rules = relativeTo(path, c.Rules)
	c.Store.Path = relativeTo(path, c.Store.Path)
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func relativeTo(config, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(config), path)
}

func (c *config) check() error {
	var errs []error
	if !installName.MatchString(c.Install) {
		errs = append(errs, fmt.Errorf("install %q: give this installation a short name of letters, digits, '-' and '_'; it is part of every incident's key, so never change it", c.Install))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		errs = append(errs, fmt.Errorf("listen %q: write it as host:port, for example 127.0.0.1:8787", c.Listen))
	}
	switch c.Read {
	case "":
		c.Read = "token"
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			c.Read = "open"
		}
	case "open", "token":
	default:
		errs = append(errs, fmt.Errorf("read %q: write open or token", c.Read))
	}
	if c.ExternalURL != "" {
		if err := notifiers.CheckURL("external_url", c.ExternalURL); err != nil {
			errs = append(errs, err)
		}
	} else {
		c.ExternalURL = "http://" + c.Listen
	}
	if c.Metrics.Clients.Limit < 0 {
		errs = append(errs, errors.New("metrics.clients.limit is negative"))
	}
	if c.SeriesMax < 0 || c.SeriesMax > watchdog.SeriesMaxDefault {
		errs = append(errs, fmt.Errorf("series_max %d: write how many clients may be known, from 1 to %d, or leave it out for %d",
			c.SeriesMax, watchdog.SeriesMaxDefault, watchdog.SeriesMaxDefault))
	}
	for _, t := range c.Tokens {
		if t.SeriesMax < 0 {
			errs = append(errs, fmt.Errorf("token %q: series_max %d: write how many clients the feeds of the token may have before it makes no further ones, or leave it out",
				t.Name, t.SeriesMax))
		}
	}
	return errors.Join(errs...)
}

// secretFrom reads a secret from the environment or a file. what is for errors.
func secretFrom(what, env, file string) (string, error) {
	switch {
	case env != "" && file != "":
		return "", fmt.Errorf("%s: give one of %s_env and %s_file, not both", what, what, what)
	case env != "":
		value := os.Getenv(env)
		if value == "" {
			return "", fmt.Errorf("%s: the environment variable %s is empty or not set", what, env)
		}
		return value, nil
	case file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		value := strings.TrimRight(string(data), "\r\n")
		if value == "" {
			return "", fmt.Errorf("%s: the file %s is empty", what, file)
		}
		return value, nil
	default:
		return "", fmt.Errorf("%s: say where it stands, with ..._env or ..._file; secrets do not stand in this file", what)
	}
}
