package email

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/feedwatch/feedwatch/notifiers"
	"github.com/feedwatch/feedwatch/watchdog/delivery"
)

// Notifier sends to one list of recipients. It holds no state that must survive.
type Notifier struct {
	route  route
	redact notifiers.Redactor
}

// New checks config and makes a Notifier; it connects to nothing.
func New(config Config) (*Notifier, error) {
	r, err := parseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	password := config.Password.Reveal()
	encoded := func(s string) notifiers.Secret {
		return notifiers.NewSecret(base64.StdEncoding.EncodeToString([]byte(s)))
	}
	return &Notifier{r, notifiers.NewRedactor(config.Password, encoded(password), encoded("\x00"+config.Username+"\x00"+password))}, nil
}

// Shape is Stream.
func (n *Notifier) Shape() delivery.Shape { return delivery.Stream }

// Deliver makes one attempt at op. The ref is the message's id. What may have been
// sent before cannot be looked up: it goes out again under the same id.
func (n *Notifier) Deliver(ctx context.Context, op delivery.Op) (string, error) {
	if op.Kind != delivery.Tell || op.Event == nil {
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "email: it tells events and nothing else", nil)}
	}
	message, err := n.compose(op)
	if err != nil {
		return "", &delivery.Error{Class: delivery.BadPayload, Err: notifiers.NewFailure(n.redact, "email: "+err.Error(), nil)}
	}
	if err := n.send(ctx, message); err != nil {
		return "", err
	}
	return n.messageID(op), nil
}

// send makes one attempt at getting a message to every recipient.
func (n *Notifier) send(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	c, f := n.open(ctx)
	defer c.close()
	if f != nil {
		return n.failure(f)
	}
	refused, f := c.address(&n.route)
	if f != nil {
		return n.failure(f)
	}
	if len(refused) == len(n.route.to) {
		return n.failure(n.weightiest(refused))
	}
	if f := c.hand(message); f != nil {
		return n.failure(f)
	}
	if len(refused) > 0 {
		return n.partial(refused)
	}
	return nil
}

// weightiest is what to do about recipients that are all refused: where one may be
// taken later, all are tried again.
func (n *Notifier) weightiest(refused map[string]*fault) *fault {
	var worst *fault
	for _, to := range n.route.to {
		f := refused[to.Address]
		if worst == nil || f.class() == delivery.RateLimited || f.class() == delivery.NotSent && worst.class() == delivery.Refused {
			worst = f
		}
	}
	return worst
}

// partial says who did not get a message that others got.
func (n *Notifier) partial(refused map[string]*fault) *delivery.Error {
	var who []string
	for _, to := range n.route.to {
		if f := refused[to.Address]; f != nil {
			who = append(who, to.Address+" ("+f.why()+")")
		}
	}
	text := fmt.Sprintf("email: %d of %d recipients were refused, the others were told: %s", len(refused), len(n.route.to), strings.Join(who, ", "))
	return &delivery.Error{Class: delivery.Partial, Err: notifiers.NewFailure(n.redact, text, nil)}
}
