package pagerduty

import (
	"errors"
	"regexp"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// APIURL is PagerDuty's own, in the US; its European one is
// https://events.eu.pagerduty.com.
const APIURL = "https://events.pagerduty.com"

// DefaultLimits are what PagerDuty bears per routing key.
var DefaultLimits = delivery.Limits{SendsPerMinute: 100}

// Config is what a PagerDuty notifier is made from.
type Config struct {
	RoutingKey notifiers.Secret // of an "Events API v2" integration: 32 letters and digits
	APIURL     string           // "" for PagerDuty's own in the US
	PageURL    string           // of feedwatch's page, for links; "" for none
}

var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

func (c *Config) check() error {
	var errs []error
	switch key := c.RoutingKey.Reveal(); {
	case key == "":
		errs = append(errs, errors.New("the routing key is empty; it is the integration key of an Events API v2 integration"))
	case !routingKey.MatchString(key):
		errs = append(errs, errors.New("the routing key is not 32 letters and digits; copy the integration key of an Events API v2 integration"))
	}
	if c.APIURL == "" {
		c.APIURL = APIURL
	}
	// go-pagerduty appends the path itself; the documented URL has it already.
	c.APIURL = strings.TrimSuffix(strings.TrimRight(c.APIURL, "/"), "/v2/enqueue")
	return errors.Join(append(errs, notifiers.CheckURL("the API URL", c.APIURL), notifiers.CheckPageURL(c.PageURL))...)
}
