package slack

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// APIURL is Slack's own.
const APIURL = "https://slack.com/api/"

// DefaultLimits are what Slack allows: a message per second and channel, and
// what its tier for chat.update bears.
var DefaultLimits = delivery.Limits{
	SendEvery:        time.Second,
	UpdatesPerMinute: 40,
	UpdateEvery:      5 * time.Second,
}

// Config is what a Slack notifier is made from.
type Config struct {
	App     App    // that posts
	Channel string // the channel's ID: C0123456789
	PageURL string // of feedwatch's page, for the button that opens it; "" for none
	// Pressable says that what people press comes back to a Desk: without that,
	// messages have links only.
	Pressable bool
}

var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,30}$`)

// check says everything that is wrong with the configuration besides its App.
func (c *Config) check() error {
	var errs []error
	if !channelID.MatchString(c.Channel) {
		errs = append(errs, fmt.Errorf("channel %q is not a channel's ID such as C0123456789; find it at the bottom of the channel's details", c.Channel))
	}
	return errors.Join(append(errs, notifiers.CheckPageURL(c.PageURL))...)
}
