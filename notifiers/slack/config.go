package slack

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
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
	Token   notifiers.Secret // of the bot: xoxb-...
	Channel string           // the channel's ID: C0123456789
	APIURL  string           // "" for Slack's own; a proxy or a test server otherwise
	PageURL string           // of feedwatch's page, for the Open button; "" for none
}

var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{2,30}$`)

// check says everything that is wrong with the configuration.
func (c *Config) check() error {
	var errs []error
	switch token := c.Token.Reveal(); {
	case token == "":
		errs = append(errs, errors.New("the token is empty; it is the app's bot token, which begins with xoxb-"))
	case !strings.HasPrefix(token, "xoxb-") && !strings.HasPrefix(token, "xoxe.xoxb-"):
		errs = append(errs, errors.New("the token is not a bot token, which begins with xoxb-; find it in the app's settings under OAuth & Permissions"))
	case strings.ContainsAny(token, " \t\r\n"):
		errs = append(errs, errors.New("the token has white space inside or at its end; does its file end in more than one line?"))
	}
	if !channelID.MatchString(c.Channel) {
		errs = append(errs, fmt.Errorf("channel %q is not a channel's ID such as C0123456789; find it at the bottom of the channel's details", c.Channel))
	}
	if c.APIURL == "" {
		c.APIURL = APIURL
	}
	c.APIURL = strings.TrimRight(c.APIURL, "/") + "/" // slack-go appends the method's name to it
	return errors.Join(append(errs, notifiers.CheckURL("the API URL", c.APIURL), notifiers.CheckPageURL(c.PageURL))...)
}
