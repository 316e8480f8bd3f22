package slack

import (
	"errors"
	"io"
	"log"
	"net/http"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// App is a Slack app as it hears people: over HTTP if it has a signing secret, over
// Socket Mode if it has an app-level token.
type App struct {
	Token         notifiers.Secret // of the bot: xoxb-...
	SigningSecret notifiers.Secret
	AppToken      notifiers.Secret // xapp-...
	APIURL        string           // "" for Slack's own; a proxy or a test server otherwise
}

// signingSecretMin is far below what Slack gives out, which is 32.
const signingSecretMin = 16

// check says everything that is wrong with the configuration.
func (c *App) check() error {
	var errs []error
	switch token := c.Token.Reveal(); {
	case token == "":
		errs = append(errs, errors.New("the token is empty; it is the app's bot token, which begins with xoxb-"))
	case !strings.HasPrefix(token, "xoxb-") && !strings.HasPrefix(token, "xoxe.xoxb-"):
		errs = append(errs, errors.New("the token is not a bot token, which begins with xoxb-; find it in the app's settings under OAuth & Permissions"))
	case strings.ContainsAny(token, " \t\r\n"):
		errs = append(errs, errors.New("the token has white space inside or at its end; does its file end in more than one line?"))
	}
	if s := c.SigningSecret.Reveal(); s != "" && (len(s) < signingSecretMin || strings.ContainsAny(s, " \t\r\n")) {
		errs = append(errs, errors.New("the signing secret is not one; find it in the app's settings under Basic Information"))
	}
	if s := c.AppToken.Reveal(); s != "" && (!strings.HasPrefix(s, "xapp-") || strings.ContainsAny(s, " \t\r\n")) {
		errs = append(errs, errors.New("the app token is not one, which begins with xapp-; make it in the app's settings under Basic Information, App-Level Tokens, with the scope connections:write"))
	}
	if c.APIURL == "" {
		c.APIURL = APIURL
	}
	c.APIURL = strings.TrimRight(c.APIURL, "/") + "/" // slack-go appends the method's name to it
	return errors.Join(append(errs, notifiers.CheckURL("the API URL", c.APIURL))...)
}

// app is an App at work.
type app struct {
	config App
	sender *notifiers.Sender
	redact notifiers.Redactor
}

func newApp(config App) (*app, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	return &app{
		config: config,
		sender: notifiers.NewSender(),
		redact: notifiers.NewRedactor(config.Token, config.SigningSecret, config.AppToken),
	}, nil
}

func (a *app) client(x *notifiers.Exchange) *slackgo.Client {
	return newClient(a.config.Token, a.config.APIURL, x)
}

func (a *app) failure(x *notifiers.Exchange, what string, err error) *delivery.Error {
	return failure(x, what, err, a.redact)
}

// newClient is slack-go over an HTTP client of ours, with its retries off (the
// default) and nothing logged.
func newClient(token notifiers.Secret, url string, over httpClient, more ...slackgo.Option) *slackgo.Client {
	return slackgo.New(token.Reveal(), append([]slackgo.Option{
		slackgo.OptionHTTPClient(over),
		slackgo.OptionAPIURL(url),
		slackgo.OptionLog(log.New(io.Discard, "", 0)),
	}, more...)...)
}

// httpClient is what slack-go makes its requests with.
type httpClient interface {
	Do(req *http.Request) (*http.Response, error)
}

// eachCall makes an exchange of its own for every request, for what makes many.
type eachCall struct{ sender *notifiers.Sender }

func (e eachCall) Do(req *http.Request) (*http.Response, error) { return e.sender.Exchange().Do(req) }
