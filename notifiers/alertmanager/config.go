package alertmanager

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// DefaultLimits are far above what Alertmanager notices.
var DefaultLimits = delivery.Limits{SendsPerMinute: 600}

const (
	serversMax    = 10
	labelsMax     = 20
	valueRunesMax = 200
)

// Config is what a notifier is made from.
type Config struct {
	Install  string
	URLs     []notifiers.Secret // of each Alertmanager; may hold a path, a user and a password
	Token    notifiers.Secret   // a bearer token for all of them; empty for none
	Username string             // for basic authentication; "" for none
	Password notifiers.Secret
	Labels   map[string]string // further ones, to route by
	PageURL  string            // of feedwatch's page, for links; "" for none
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c *Config) check() error {
	var errs []error
	wrong := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if len(c.URLs) == 0 || len(c.URLs) > serversMax {
		wrong("there are %d urls; name 1 to %d Alertmanagers that belong together", len(c.URLs), serversMax)
	}
	seen := map[string]bool{}
	for i, url := range c.URLs {
		raw := strings.TrimSuffix(strings.TrimRight(url.Reveal(), "/"), alertsPath)
		if err := notifiers.CheckURL(fmt.Sprintf("URL %d", i+1), raw); err != nil {
			errs = append(errs, err)
		}
		if seen[raw] {
			wrong("URL %d is there twice", i+1)
		}
		seen[raw] = true
		c.URLs[i] = notifiers.NewSecret(raw)
	}
	switch {
	case (c.Username == "") != c.Password.IsZero():
		wrong("a username and a password belong together; give both or none")
	case c.Username != "" && !c.Token.IsZero():
		wrong("give a token or a username, not both")
	}
	if len(c.Labels) > labelsMax {
		wrong("labels: there are %d; %d are the most", len(c.Labels), labelsMax)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		switch value := c.Labels[name]; {
		case !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
			wrong("labels: %q is no label name; write letters, digits and _", notifiers.Clean(name, 60))
		case slices.Contains(ourLabels, name):
			wrong("labels: %q is feedwatch's own", name)
		case value == "" || !utf8.ValidString(value) || notifiers.Clean(value, valueRunesMax) != value:
			wrong("labels: the value of %q is empty, too long or not printable", name)
		}
	}
	return errors.Join(append(errs, notifiers.CheckPageURL(c.PageURL))...)
}
